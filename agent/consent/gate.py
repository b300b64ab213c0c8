"""The gate: what is allowed now, from the record and IT's signed file together. Every channel asks here before data leaves.

A courier asks anew before each thing that it sends, so that a revocation or an end reaches what is queued:

    consent = ask(state_dir, configuration, now)
    level = consent.level(facts.rule, facts.type, now)

Whatever cannot be read or is not believed allows nothing, and says so in `trouble` or `file_trouble`.
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from agent.configuration import config
from agent.configuration.config import Configuration
from agent.consent.file import FILE, FileRefused, read_signed
from agent.consent.levels import Consent, Grant, Revocation, SignedFile, ended
from agent.consent.record import History, RecordUnavailable, opened_record, read_record, record_stamps


def ask(state_dir: Path, configuration: Configuration, now: float) -> Consent:
    """Return what is allowed at `now` (unix seconds), and write down what is new: a signed file, a grant's end."""
    file, file_trouble = _signed_file(configuration, now)
    try:
        with opened_record(state_dir) as record:
            known = record.history
            consent = _known(known, file, file_trouble, configuration, now)
            if consent.trouble:
                return consent
            try:
                record.append(consent.entries[len(known.entries) :])
            except RecordUnavailable as error:
                # What is written already still holds; a file whose finding cannot be written could not be revoked.
                if file is not None and not _was_here(file, known):
                    file, file_trouble = None, str(error)
                return _known(known, file, file_trouble, configuration, now)
            return replace(consent, hashes=record.history.hashes)
    except RecordUnavailable as error:
        return Consent(customer=configuration.settings.customer.id, trouble=str(error))


def look(state_dir: Path, configuration: Configuration, now: float) -> Consent:
    """Return the same without writing anything, as if what is new had been written."""
    file, file_trouble = _signed_file(configuration, now)
    try:
        history = read_record(state_dir)
    except RecordUnavailable as error:
        return Consent(customer=configuration.settings.customer.id, trouble=str(error), file_trouble=file_trouble)
    return _known(history, file, file_trouble, configuration, now)


def decide(state_dir: Path, configuration: Configuration, entry: Grant | Revocation, now: float) -> Consent:
    """Write `entry`, after a signed file that nobody has asked about yet, and return what is allowed then.

    Raises RecordUnavailable.
    """
    file, file_trouble = _signed_file(configuration, now)
    with opened_record(state_dir) as record:
        consent = _known(record.history, file, file_trouble, configuration, now)
        record.append([*consent.entries[len(record.history.entries) :], entry])
        return _known(record.history, file, file_trouble, configuration, now)


def record_trouble(state_dir: Path) -> str:
    """Return what is wrong with the record in `state_dir`; empty when nothing is."""
    try:
        history = read_record(state_dir)
    except RecordUnavailable as error:
        return str(error)
    return str(history.damage or "")


class RecordWatch:
    """Watches the record in `state_dir` for what goes wrong with it, by its files' dates: to read it takes four times as long."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir
        self._stamps: tuple[object, ...] = ()
        self._trouble = ""

    def trouble(self) -> str:
        """Return what `record_trouble` does; the record is read when one of its files has changed, or something was wrong."""
        stamps = record_stamps(self._folder)
        if self._trouble or stamps != self._stamps:
            self._stamps, self._trouble = stamps, record_trouble(self._folder)
        return self._trouble


def config_folder(configuration: Configuration) -> Path:
    """Return where the signed file is looked for: beside the configuration, or where that would be by default."""
    return (configuration.source or config.DEFAULT_PATH).parent


def _signed_file(configuration: Configuration, now: float) -> tuple[SignedFile | None, str]:
    """Return the signed file if there is a good one, or why the one that is there was refused."""
    try:
        return read_signed(config_folder(configuration), configuration.settings.customer.id, now), ""
    except FileRefused as error:
        return None, str(error)


def _known(
    history: History, file: SignedFile | None, file_trouble: str, configuration: Configuration, now: float
) -> Consent:
    """Return what follows from the record and the signed file, the entries that are new at the end."""
    customer = configuration.settings.customer.id
    if history.damage is not None:
        return Consent(customer=customer, trouble=str(history.damage), file_trouble=file_trouble)
    if file is not None and (newer := _newer(file, history)):
        path = config_folder(configuration) / FILE
        file, file_trouble = None, f"{path}: was issued before {newer}; issue and sign a new one"
    entries = list(history.entries)
    if file is not None and not _was_here(file, history):
        entries.append(file)
    return Consent(
        customer=customer,
        entries=(*entries, *ended(entries, now)),
        file=file.digest if file else "",
        file_trouble=file_trouble,
        hashes=history.hashes,
        torn=history.torn,
    )


def _was_here(file: SignedFile, history: History) -> bool:
    return any(one.digest == file.digest for one in _files(history))


def _newer(file: SignedFile, history: History) -> str:
    """Return what was decided here after `file` was issued and before it was found: that must not come undone."""
    if any(one.digest != file.digest and one.issued >= file.issued for one in _files(history)):
        return "another that was believed here"
    taken_back = any(isinstance(one, Revocation) and one.at >= file.issued for one in history.entries)
    return "consent was taken back here" if taken_back and not _was_here(file, history) else ""


def _files(history: History) -> list[SignedFile]:
    return [one for one in history.entries if isinstance(one, SignedFile)]
