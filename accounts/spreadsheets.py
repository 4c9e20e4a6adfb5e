"""The files that customers come in by, read strictly: what cannot be read for certain is refused, and says where."""

import csv
import io
import zipfile
from typing import Any

import openpyxl
import tablib
from import_export.formats.base_formats import CSV, XLSX


class UnableToReadFile(ValueError):
    """The file cannot be read; the message says why and where, for the person who uploaded it."""


class StrictCSV(CSV):
    """Comma-separated text in UTF-8, whose quotes close and whose lines all have the columns of the first."""

    def create_dataset(self, in_stream: str | bytes, **kwargs: Any) -> tablib.Dataset:
        """Return the rows under the headers of the first line. Raises UnableToReadFile."""
        text = in_stream.decode("utf-8-sig") if isinstance(in_stream, bytes) else in_stream.removeprefix("\ufeff")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        dataset = tablib.Dataset()
        began = 1
        try:
            for row in reader:
                if row and not dataset.headers:
                    dataset.headers = row
                elif row:
                    if len(row) != len(dataset.headers):
                        raise UnableToReadFile(
                            f"Line {began} has {len(row)} columns, and the first line has {len(dataset.headers)}. "
                            "Is a quote or a comma missing, or one too many?"
                        )
                    dataset.append(row)
                began = reader.line_num + 1
        except csv.Error as error:
            raise UnableToReadFile(
                f"The row that begins in line {began} cannot be read: a quote in it does not close, or text follows it."
            ) from error
        return dataset


class StrictXLSX(XLSX):
    """The first sheet of an Excel workbook: its values, never its formulas."""

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        """Return the rows under the headers of the first row. Raises UnableToReadFile."""
        try:
            return super().create_dataset(in_stream)
        except (zipfile.BadZipFile, KeyError, ValueError, openpyxl.utils.exceptions.InvalidFileException) as error:
            raise UnableToReadFile(
                "This is not an Excel workbook (.xlsx), or it is damaged. Save it again, or use CSV."
            ) from error
        except StopIteration as error:
            raise UnableToReadFile("The first sheet of the workbook is empty.") from error


FORMATS = [StrictCSV, StrictXLSX]


def words_for(error: Exception) -> str:
    """Return why a file could not be read, for the person who uploaded it."""
    if isinstance(error, UnableToReadFile):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        return "The file is not UTF-8 text. Save it as “CSV UTF-8”, or choose the format that it has."
    return "The file cannot be read. Is it of the format that you chose?"
