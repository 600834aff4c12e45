// Debian has Boost.JSON as headers only: this is its one compiled copy.
#include <boost/json/src.hpp>
