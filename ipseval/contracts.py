"""What the extracts hold: declared once, used for checking, for docs/data.md and for simulating."""

from dataclasses import dataclass

import pyarrow as pa

# kind -> how it is stored once it is ours
KINDS: dict[str, pa.DataType] = {
    "key": pa.string(),
    "code": pa.string(),
    "date": pa.date32(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "flag": pa.int8(),
}


@dataclass(frozen=True)
class Column:
    """A column of an extract.

    Parameters
    ----------
    name, kind : str
        Our name; one of ``KINDS``.
    meaning : str
        One line for the data dictionary, with the unit.
    needed : bool
        The extract must have the column.
    nullable : bool
        A row may leave it empty.
    """

    name: str
    kind: str
    meaning: str
    needed: bool = True
    nullable: bool = False


@dataclass(frozen=True)
class Extract:
    """An extract: its columns and what one row is."""

    name: str
    one_row: str
    columns: tuple[Column, ...]
    needed: bool = False

    @property
    def one_row_per_person(self) -> bool:
        """Whether a person may stand in it once only."""
        return self.one_row == "person"

    @property
    def kind_column(self) -> Column | None:
        """The column that says what kind of spell a row is, in an extract of spells."""
        codes = [c for c in self.columns if c.kind == "code"]
        return codes[-1] if codes and self.column("start_on") else None

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((c for c in self.columns if c.name == name), None)


_PERSON = Column("person_id", "key", "Key of the person; text or whole number, the same in every extract.")
_START = Column("start_on", "date", "First day.")
_END = Column("end_on", "date", "Last day, inclusive; empty: still open.", needed=False, nullable=True)


def _optional(name: str, kind: str, meaning: str) -> Column:
    return Column(name, kind, meaning, needed=False, nullable=True)


EXTRACTS: dict[str, Extract] = {
    extract.name: extract
    for extract in (
        Extract(
            "trial",
            "person",
            (
                _PERSON,
                Column("centre", "code", "Centre that randomised the person."),
                Column("arm", "code", "Arm that the person was assigned to."),
                Column("randomised_on", "date", "Day of randomisation."),
                _optional("block", "code", "Block of the randomisation."),
                _optional("stratum", "code", "Stratum of the randomisation."),
                _optional("cluster", "code", "Unit (a job centre, say) that was assigned as a whole."),
                _optional("withdrawn_on", "date", "Day on which consent was withdrawn: the person is not analysed."),
                _optional("age", "number", "Age at randomisation, years."),
                _optional("female", "flag", "1 for women."),
                _optional("less_than_upper_secondary", "flag", "1 when upper secondary school was not completed."),
                _optional("native_born", "flag", "1 when born in the country."),
            ),
            needed=True,
        ),
        Extract(
            "persons",
            "person",
            (
                _PERSON,
                _optional("birth_date", "date", "Day of birth."),
                _optional("birth_month", "integer", "Month of birth, YYYYMM, where the day is not delivered."),
                _optional("sex", "code", "female or male (other codes: values in the cohort file)."),
                _optional("native_born", "flag", "1 when born in the country."),
                _optional("died_on", "date", "Day of death."),
                _optional("emigrated_on", "date", "Day of emigration; who moved several times has a row a move."),
                _optional("returned_on", "date", "Day of return after an emigration, where it is known."),
            ),
        ),
        Extract(
            "employment",
            "spell of a job",
            (
                _PERSON,
                _optional("employer_id", "code", "Employer; spells of one employer that touch are one job."),
                _START,
                _END,
                _optional("weekly_hours", "number", "Agreed hours a week."),
                _optional("status", "code", "Status of the job, by which exclusions can leave rows out."),
                _optional("kind", "code", "Kind of the job."),
            ),
            needed=True,
        ),
        Extract("wage_subsidy", "spell", (_PERSON, _START, _END, _optional("measure", "code", "Kind of the subsidy."))),
        Extract(
            "education",
            "completed level",
            (
                _PERSON,
                Column("level", "integer", "First digit of NUS2000, 0-9; 9 is unknown.", nullable=True),
                _optional("completed_on", "date", "Day of completion; empty: before the register began."),
                _optional("class", "integer", "Class of the course (klassetrinn), by which the office counts level 3."),
            ),
        ),
        Extract(
            "income",
            "person and year",
            (
                _PERSON,
                Column("year", "integer", "Calendar year."),
                Column("wage_income", "number", "Wage income of the year, in the register's currency.", nullable=True),
            ),
        ),
        Extract("benefits", "spell", (_PERSON, Column("benefit", "code", "Kind of the benefit."), _START, _END)),
        Extract(
            "health_contacts",
            "contact",
            (
                _PERSON,
                Column("contact", "code", "outpatient, day or inpatient."),
                Column("date", "date", "Day of the contact."),
            ),
        ),
        Extract("services", "spell", (_PERSON, Column("service", "code", "Service received."), _START, _END)),
    )
}

FIXED_OUTCOMES = ("employment", "wage_subsidy")  # what the panel holds of every cohort beside its outcomes
# The column of each extract of spells whose codes tell states of a month apart.
STATE_COLUMNS = {name: kind.name for name, e in EXTRACTS.items() if (kind := e.kind_column)}
SPELL_EXTRACTS = tuple(name for name, e in EXTRACTS.items() if e.column("start_on"))


def schema(extract: Extract, extra_numbers: tuple[str, ...] = ()) -> pa.Schema:
    """Arrow schema of an extract once it is ours, ``extra_numbers`` behind the declared columns."""
    fields = [pa.field(c.name, KINDS[c.kind]) for c in extract.columns]
    return pa.schema([*fields, *(pa.field(n, pa.float64()) for n in extra_numbers)])
