"""The commands of `foretell`, one file each; each file's `command` is the click command."""

#: name to what it does in a few words, in the order in which they are needed; help is printed without importing any
COMMANDS = {
    "init": "write a commented configuration file",
    "check": "run one cycle now, on paper: what is read, found, would be done",
    "run": "watch this host and open tickets, in the foreground",
    "demo": "play a recorded week of a filling disk in a minute",
    "status": "is it alive, what is open, what could not be checked",
    "cases": "list, show, acknowledge, defer or confirm cases",
    "outbox": "list, retry or drop what waits for the desk",
    "consent": "show, grant or take back what may leave this host on tickets",
    "bundle": "show the log bundle of a case byte for byte, have it sent",
    "replay": "say which tickets a configuration would have opened on a history",
    "doctor": "check installation, configuration, permissions and desk",
    "plugins": "list collectors, threshold kinds and desks",
}
