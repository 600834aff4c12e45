// The web page's files, compiled in from page/ (daemon/serve/CMakeLists.txt).
#pragma once

#include <string_view>

namespace silt::serve::http {

extern const std::string_view kIndexHtml;
extern const std::string_view kIconSvg;
extern const std::string_view kPageCss;
extern const std::string_view kApiJs;
extern const std::string_view kAskJs;
extern const std::string_view kDomJs;
extern const std::string_view kFailureJs;
extern const std::string_view kMainJs;
extern const std::string_view kPatternsJs;
extern const std::string_view kSourcesJs;
extern const std::string_view kStatesJs;
extern const std::string_view kWatchJs;

}  // namespace silt::serve::http
