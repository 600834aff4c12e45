// What the JSON of every command is made of (see json_view.h), for the files that write it.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

namespace boost::json {
class array;
class object;
class value;
}  // namespace boost::json

namespace silt::cli {

// "text", and "text_base64" when the bytes are no UTF-8.
void set_text(boost::json::object& to, const std::string& bytes);
// RFC 3339 in UTC; null when it is not set.
boost::json::value time_value(bool set, const google::protobuf::Timestamp& time);
boost::json::array names(const google::protobuf::RepeatedPtrField<std::string>& items);
std::string line_of(boost::json::object object);

}  // namespace silt::cli
