// Words of time: numbers, units, months and days as questions write them, in four languages.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace silt::answer::language {

inline constexpr std::int64_t kSecond = 1'000'000;  // in microseconds, as those below
inline constexpr std::int64_t kHour = 3600 * kSecond;
inline constexpr std::int64_t kDay = 24 * kHour;

// "three", "24"; nothing for other words.
std::optional<int> number(std::string_view text);
// Of "hours", "h", "stunden"; 0: no unit.
std::int64_t unit_us(std::string_view text);
// 1 to 12; 0: no month.
int month_of(std::string_view text);
// 1 to 31, of "21" and "21st"; 0: no day.
int day_number(std::string_view text);
// How many days the month has; without a year (0) February has 29.
int days_in_month(int year, int month);

}  // namespace silt::answer::language
