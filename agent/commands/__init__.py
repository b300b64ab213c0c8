"""The commands of `foretell`, one file each; each file's `command` is the click command."""

COMMANDS = ("init", "check", "run", "demo", "status", "cases", "outbox", "doctor", "plugins")
