#include "daemon/serve/http/page.h"

#include <algorithm>
#include <array>

#include "daemon/serve/http/page_texts.h"

namespace silt::serve::http {
namespace {

constexpr std::string_view kHtml = "text/html; charset=utf-8", kCss = "text/css; charset=utf-8", kSvg = "image/svg+xml",
                           kScript = "text/javascript; charset=utf-8";

struct File {
  std::string_view path;
  std::string_view type;
  const std::string_view& text;  // defined in another file: not to be read before main()
};

constexpr std::array kFiles = {
    File{"/", kHtml, kIndexHtml},
    File{"/page/icon.svg", kSvg, kIconSvg},
    File{"/page/page.css", kCss, kPageCss},
    File{"/page/api.js", kScript, kApiJs},
    File{"/page/ask.js", kScript, kAskJs},
    File{"/page/dom.js", kScript, kDomJs},
    File{"/page/failure.js", kScript, kFailureJs},
    File{"/page/main.js", kScript, kMainJs},
    File{"/page/patterns.js", kScript, kPatternsJs},
    File{"/page/sources.js", kScript, kSourcesJs},
    File{"/page/states.js", kScript, kStatesJs},
    File{"/page/watch.js", kScript, kWatchJs},
};

}  // namespace

std::optional<Response> page_at(std::string_view path) {
  const auto found = std::find_if(kFiles.begin(), kFiles.end(), [path](const File& file) { return file.path == path; });
  if (found == kFiles.end()) return std::nullopt;
  return Response{200, std::string(found->type), std::string(found->text)};
}

}  // namespace silt::serve::http
