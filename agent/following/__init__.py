"""Following cases: findings, desk events and the time in; cases and operations out. Pure, the whole room."""
