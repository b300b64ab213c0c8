"""The commands of `foretell`, one file each; each file's `command` is the click command."""

#: name to what it does in a few words, in the order in which they are needed; help is printed without importing any
COMMANDS = {
    "init": "write a commented configuration file",
    "check": "run one cycle now, on paper: what is read, found, would be done",
    "run": "watch this host and open tickets, in the foreground",
    "demo": "play a recorded week of a filling disk in a minute",
    "status": "is it alive, what is open, what could not be checked",
    "cases": "list, show, acknowledge, defer or confirm cases",
    "window": "suggest times for the work on a case, agree to one",
    "maintenance": "open no tickets for a time; list such times",
    "outbox": "list, retry or drop what waits for the desk",
    "consent": "show, grant or take back what may leave this host on tickets",
    "bundle": "show the log bundle of a case byte for byte, have it sent",
    "report": "write a health report of the last months, to read and to print",
    "knowledge": "write what was learnt from closed cases, for a knowledge base",
    "replay": "say which tickets a configuration would have opened on a history",
    "record": "write what the collectors read of this host, redacted, as a test case",
    "catalogue": "show until when software is supported, fetch newer facts",
    "doctor": "check installation, configuration, permissions and desk",
    "backup": "write the agent's records into one archive, while it runs",
    "restore": "put the records of a backup in place of those that are there",
    "relay": "turn the alerts of a fleet into tickets, in the foreground",
    "plugins": "list collectors, threshold kinds and desks",
}
