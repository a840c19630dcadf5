"""One MetaData for each database; the modules of the areas put their tables into it."""

from sqlalchemy import MetaData

from ..settings import DATABASES


def _new_metadata() -> MetaData:
    """The empty MetaData of one database; its constraints get names that carry their table."""
    return MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


METADATA = {name: _new_metadata() for name in DATABASES}
"""By the name of the database, in the order of settings.DATABASES."""
