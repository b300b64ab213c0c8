"""When: windows for the work, the hours in which somebody serves, what people's calendars say."""
