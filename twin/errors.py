"""What can go wrong, by what the person can fix.

TwinError                     carries .code, .subject (what) and .details (what the sentence needs)
├── SourceError               what we were given
│   ├── UnknownFormat
│   ├── UnreadableSource
│   └── CRSError              a missing or contradictory frame: never guessed
├── StoreError
│   ├── NotFound
│   └── Conflict
├── MeasureError
│   ├── MissingInput
│   ├── UnknownParameter
│   └── OutsideValidity
├── PackError                 a standard pack is wrong
├── TileError
└── UsageError                the request itself is wrong (exit status 2, HTTP 400)

The sentence a person reads comes from the message catalogue (`messages.toml` of each package) in the language asked for.
"""

from __future__ import annotations

from twin.i18n import hint, message


class TwinError(Exception):
    """One failure: a code of the message catalogue, its subject, and the details the sentence needs."""

    def __init__(self, code: str, *, subject: object = "", **details: object) -> None:
        self.code = code
        self.subject = str(subject)
        self.details = details
        super().__init__(self.text("en"))

    def text(self, lang: str) -> str:
        """What is wrong and where, one sentence in `lang` (`en` or `zh`)."""
        return message(self.code, lang, subject=self.subject, **self.details)

    def hint(self, lang: str) -> str:
        """What to do about it, one sentence in `lang`."""
        return hint(self.code, lang, subject=self.subject, **self.details)


class SourceError(TwinError):
    """What we were given cannot be used."""


class UnknownFormat(SourceError):
    """No importer recognises the file."""


class UnreadableSource(SourceError):
    """The file is missing, cut off, or not what it claims to be."""


class CRSError(SourceError):
    """The coordinate system is missing, unknown or contradicts the park."""


class StoreError(TwinError):
    """The park's store cannot do what was asked."""


class NotFound(StoreError):
    """Nothing of that kind has that id."""


class Conflict(StoreError):
    """The thing exists already, or another writer holds the store."""


class MeasureError(TwinError):
    """A measure cannot be computed."""


class MissingInput(MeasureError):
    """The park lacks what the measure needs."""


class UnknownParameter(MeasureError):
    """A parameter does not exist or has a value it cannot take."""


class OutsideValidity(MeasureError):
    """A formula would be used outside the range its source states."""


class PackError(TwinError):
    """A standard pack is wrong."""


class TileError(TwinError):
    """A tile cannot be built or does not exist."""


class UsageError(TwinError):
    """The request itself is wrong."""
