// The cues, as a table.
#include <array>

#include "daemon/fold/secret_cues.h"

namespace silt::fold {
namespace {

constexpr CueWord password(std::string_view text) {
  return {.text = text};
}
constexpr CueWord password_part(std::string_view text, bool working_directory = false) {
  return {.text = text, .part = true, .working_directory = working_directory};
}
constexpr CueWord look(std::string_view text, SecretKind kind, bool part = false) {
  return {.text = text, .kind = kind, .trust = Trust::kLook, .part = part};
}
constexpr CueWord api_key(std::string_view text) {
  return look(text, SecretKind::kApiKey);
}
constexpr CueWord token(std::string_view text, SecretKind kind, Letters letters, std::uint8_t least) {
  return {
      .text = text, .cue = Cue::kToken, .kind = kind, .any_case = false, .letters = letters, .least = least};
}
constexpr CueWord vendor(std::string_view text, Letters letters, std::uint8_t least) {
  return token(text, SecretKind::kVendorToken, letters, least);
}
constexpr CueWord exact(std::string_view text, Cue cue, SecretKind kind = SecretKind::kPassword) {
  return {.text = text, .cue = cue, .kind = kind, .any_case = false};
}
constexpr CueWord loose(std::string_view text, Cue cue, SecretKind kind = SecretKind::kPassword) {
  return {.text = text, .cue = cue, .kind = kind};
}

constexpr std::array kKeys = {
    password("password"),
    password("passwd"),
    password("passwort"),
    password("passphrase"),
    password("passcode"),
    password("storepass"),
    password("keypass"),
    password("kennwort"),
    password("mot de passe"),
    password("mot_de_passe"),
    password("motdepasse"),
    password("contrase\xc3\xb1"
             "a"),
    password("contrase\xf1"
             "a"),
    password("contrasena"),
    password_part("pwd", true),
    password_part("pass"),
    password_part("pw"),
    password_part("psk"),
    CueWord{.text = "pin", .part = true, .form = ValueForm::kCode},
    CueWord{.text = "otp", .part = true, .form = ValueForm::kCode},
    CueWord{.text = "cvv", .part = true, .form = ValueForm::kCode},
    CueWord{.text = "cvc", .part = true, .form = ValueForm::kCode},
    CueWord{.text = "credentials", .form = ValueForm::kPair},
    CueWord{.text = "credential", .form = ValueForm::kPair},
    CueWord{.text = "creds", .part = true, .form = ValueForm::kPair},
    look("token", SecretKind::kToken),
    look("authorization", SecretKind::kAuthorization),
    CueWord{.text = "client_secret", .kind = SecretKind::kSecret},
    CueWord{.text = "client-secret", .kind = SecretKind::kSecret},
    CueWord{.text = "clientsecret", .kind = SecretKind::kSecret},
    look("secret", SecretKind::kSecret),
    look("signature", SecretKind::kSecret),
    look("sig", SecretKind::kSecret, true),
    look("session_id", SecretKind::kSession),
    look("session-id", SecretKind::kSession),
    look("sessionid", SecretKind::kSession),
    look("sessid", SecretKind::kSession),
    look("connect.sid", SecretKind::kSession),
    api_key("api_key"),
    api_key("api-key"),
    api_key("api key"),
    api_key("apikey"),
    api_key("access_key"),
    api_key("access-key"),
    api_key("accesskey"),
    api_key("secret_key"),
    api_key("secret-key"),
    api_key("secretkey"),
    api_key("secret_key_base"),
    api_key("private_key"),
    api_key("private-key"),
    api_key("privatekey"),
    api_key("auth_key"),
    api_key("auth-key"),
    api_key("authkey"),
    api_key("signing_key"),
    api_key("signing-key"),
    api_key("account_key"),
    api_key("account-key"),
    api_key("accountkey"),
    api_key("encryption_key"),
    api_key("encryption-key"),
    api_key("encryptionkey"),
    api_key("master_key"),
    api_key("master-key"),
    api_key("masterkey"),
    api_key("shared_key"),
    api_key("sharedkey"),
    loose("cookie", Cue::kCookie, SecretKind::kSession),
};

// Prefixes that vendors chose so that their tokens can be found.
constexpr std::array kTokens = {
    token("ghp_", SecretKind::kGitToken, Letters::kAlnum, 30),
    token("gho_", SecretKind::kGitToken, Letters::kAlnum, 30),
    token("ghu_", SecretKind::kGitToken, Letters::kAlnum, 30),
    token("ghs_", SecretKind::kGitToken, Letters::kAlnum, 30),
    token("ghr_", SecretKind::kGitToken, Letters::kAlnum, 30),
    token("github_pat_", SecretKind::kGitToken, Letters::kDashed, 22),
    token("glpat-", SecretKind::kGitToken, Letters::kDashed, 20),
    token("glrt-", SecretKind::kGitToken, Letters::kDashed, 20),
    token("gldt-", SecretKind::kGitToken, Letters::kDashed, 20),
    token("glptt-", SecretKind::kGitToken, Letters::kDashed, 20),
    token("glcbt-", SecretKind::kGitToken, Letters::kDashed, 20),
    token("glsoat-", SecretKind::kGitToken, Letters::kDashed, 20),
    token("glft-", SecretKind::kGitToken, Letters::kDashed, 20),
    token("glagent-", SecretKind::kGitToken, Letters::kDashed, 20),
    token("xoxa-", SecretKind::kSlackToken, Letters::kDashed, 10),
    token("xoxb-", SecretKind::kSlackToken, Letters::kDashed, 10),
    token("xoxe-", SecretKind::kSlackToken, Letters::kDashed, 10),
    token("xoxe.", SecretKind::kSlackToken, Letters::kDashed, 10),
    token("xoxo-", SecretKind::kSlackToken, Letters::kDashed, 10),
    token("xoxp-", SecretKind::kSlackToken, Letters::kDashed, 10),
    token("xoxr-", SecretKind::kSlackToken, Letters::kDashed, 10),
    token("xoxs-", SecretKind::kSlackToken, Letters::kDashed, 10),
    token("xoxc-", SecretKind::kSlackToken, Letters::kDashed, 10),
    token("xoxd-", SecretKind::kSlackToken, Letters::kDashed, 10),
    token("xapp-", SecretKind::kSlackToken, Letters::kDashed, 16),
    token("AIza", SecretKind::kCloudKey, Letters::kDashed, 35),
    token("ya29.", SecretKind::kCloudKey, Letters::kDashed, 20),
    token("GOCSPX-", SecretKind::kCloudKey, Letters::kDashed, 20),
    vendor("sk_live_", Letters::kAlnum, 10),
    vendor("sk_test_", Letters::kAlnum, 10),
    vendor("rk_live_", Letters::kAlnum, 10),
    vendor("rk_test_", Letters::kAlnum, 10),
    vendor("whsec_", Letters::kAlnum, 16),
    vendor("sk-", Letters::kDashed, 20),
    vendor("hf_", Letters::kAlnum, 20),
    vendor("npm_", Letters::kAlnum, 30),
    vendor("pypi-", Letters::kDashed, 30),
    vendor("SG.", Letters::kDotted, 30),
    vendor("hvs.", Letters::kDashed, 20),
    vendor("hvb.", Letters::kDashed, 20),
    vendor("hvr.", Letters::kDashed, 20),
    vendor("dop_v1_", Letters::kAlnum, 30),
    vendor("doo_v1_", Letters::kAlnum, 30),
    vendor("dor_v1_", Letters::kAlnum, 30),
    vendor("dckr_pat_", Letters::kDashed, 20),
    vendor("shpat_", Letters::kAlnum, 30),
    vendor("shpca_", Letters::kAlnum, 30),
    vendor("shppa_", Letters::kAlnum, 30),
    vendor("shpss_", Letters::kAlnum, 30),
    vendor("glsa_", Letters::kDashed, 30),
    vendor("silt_", Letters::kAlnum, 100),  // siltd's own
    vendor("glc_", Letters::kDashed, 30),
    vendor("gsk_", Letters::kAlnum, 30),
    vendor("xai-", Letters::kAlnum, 40),
    vendor("nvapi-", Letters::kDashed, 40),
    vendor("tskey-", Letters::kDashed, 20),
    vendor("lin_api_", Letters::kAlnum, 30),
    vendor("rubygems_", Letters::kAlnum, 30),
    vendor("NRAK-", Letters::kAlnum, 20),
    vendor("PMAK-", Letters::kDashed, 40),
    vendor("dapi", Letters::kAlnum, 32),
    vendor("dp.pt.", Letters::kAlnum, 30),
    vendor("sq0atp-", Letters::kDashed, 20),
    vendor("sq0csp-", Letters::kDashed, 30),
    vendor("pul-", Letters::kAlnum, 40),
    vendor("AGE-SECRET-KEY-1", Letters::kAlnum, 50),
    exact("AKIA", Cue::kAwsKeyId, SecretKind::kCloudKey),
    exact("ASIA", Cue::kAwsKeyId, SecretKind::kCloudKey),
    exact("eyJ", Cue::kJwt, SecretKind::kJwt),
    exact("hooks.slack.com/services/", Cue::kWebhook, SecretKind::kSlackToken),
    exact("hooks.slack.com/workflows/", Cue::kWebhook, SecretKind::kSlackToken),
    exact("discord.com/api/webhooks/", Cue::kWebhook, SecretKind::kVendorToken),
    exact("discordapp.com/api/webhooks/", Cue::kWebhook, SecretKind::kVendorToken),
    exact("webhook.office.com/webhookb2/", Cue::kWebhook, SecretKind::kVendorToken),
    exact("api.telegram.org/bot", Cue::kWebhook, SecretKind::kVendorToken),
};

constexpr std::array kPlaces = {
    exact("<redacted:", Cue::kTag),
    exact("://", Cue::kUrl, SecretKind::kUrlPassword),
    loose("bearer ", Cue::kBearer, SecretKind::kAuthorization),
    loose("basic ", Cue::kBasic, SecretKind::kAuthorization),
    exact("mysql", Cue::kCommand),
    exact("mariadb", Cue::kCommand),
    exact("sshpass", Cue::kCommand),
    exact("curl", Cue::kCommand),
    exact("redis-cli", Cue::kCommand),
    exact("mongo", Cue::kCommand),
    exact("ldap", Cue::kCommand),
    exact(" login", Cue::kCommand),
    exact("smbclient", Cue::kCommand),
    exact("useradd", Cue::kCommand),
    exact("usermod", Cue::kCommand),
    exact(" -p", Cue::kOption),
    exact(" -u", Cue::kOption),
    exact(" --user", Cue::kOption),
    exact(" -U", Cue::kOption),
    exact(" --proxy-user", Cue::kOption),
    exact(" -a", Cue::kOption),
    exact(" -w", Cue::kOption),
    exact("chpasswd", Cue::kChpasswd),
    exact("--from-literal", Cue::kFromLiteral, SecretKind::kSecret),
    loose("identified ", Cue::kIdentified),
    exact("-----BEGIN ", Cue::kBegin, SecretKind::kPrivateKey),
    exact("-----END ", Cue::kEnd, SecretKind::kPrivateKey),
    exact("LS0tLS1CRUdJTi", Cue::kKeyText, SecretKind::kPrivateKey),        // base64 of "-----BEGIN"
    exact("b3BlbnNzaC1rZXktdjE", Cue::kKeyText, SecretKind::kPrivateKey),   // openssh-key-v1
    exact("IBADANBgkq", Cue::kKeyText, SecretKind::kPrivateKey),            // PKCS 8, RSA
    exact("IBAAKC", Cue::kKeyText, SecretKind::kPrivateKey),                // PKCS 1
    exact("MC4CAQAwBQYDK2Vw", Cue::kKeyText, SecretKind::kPrivateKey),      // PKCS 8, Ed25519
    exact("AgEAMBMGByqGSM49AgEG", Cue::kKeyText, SecretKind::kPrivateKey),  // PKCS 8, EC
    exact("ata\":", Cue::kData, SecretKind::kSecret),                       // data and stringData
    exact("ata\\\":", Cue::kData, SecretKind::kSecret),
    exact("ata:", Cue::kData, SecretKind::kSecret),
    exact("Secret", Cue::kKubeSecret, SecretKind::kSecret),
};

constexpr auto make_words() {
  std::array<CueWord, kKeys.size() + kTokens.size() + kPlaces.size()> all{};
  std::size_t count = 0;
  for (const CueWord& word : kKeys) all[count++] = word;
  for (const CueWord& word : kTokens) all[count++] = word;
  for (const CueWord& word : kPlaces) all[count++] = word;
  return all;
}
constexpr auto kWords = make_words();

}  // namespace

std::span<const CueWord> cue_words() {
  return kWords;
}

}  // namespace silt::fold
