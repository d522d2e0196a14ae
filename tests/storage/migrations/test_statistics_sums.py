"""What was counted before there were rows of days and months is carried over."""

from pathlib import Path

from sqlalchemy import create_engine, text

from scaisend.storage.migrations.run import migrate
from tests.base import PlainTestCase
from tests.storage.migrations.test_run import alembic
from tests.world.mariadb import private_mariadb

BEFORE = (
    ("2026-12-31", "", "delivered", 5), ("2027-01-01", "", "delivered", 7), ("2027-01-31", "", "delivered", 1), ("2027-01-31", "", "machine_opens", 2),
    ("2027-01-01", "ä", "opens", 3),
)


class CarriedOverTests(PlainTestCase):
    def check(self, url: str, alchemy: str) -> None:
        self.assertEqual(alembic("upgrade", "0010", url=url).returncode, 0)
        engine = create_engine(alchemy)
        with engine.begin() as connection:
            for day, category, metric, value in BEFORE:
                connection.execute(
                    text("INSERT INTO statistics (tenant_id, day, category, metric, value) VALUES ('tnt_a', :day, :category, :metric, :value)"),
                    {"day": day, "category": category, "metric": metric, "value": value},
                )
            connection.execute(text("INSERT INTO statistics_marks (id, value, updated_at) VALUES ('counted', 'evt_x', 9)"))
        migrate(url)
        with engine.begin() as connection:
            rows = connection.execute(text("SELECT tenant_id, span, kind, period, name, delivered, opens, machine_opens FROM statistics_sums"))
            self.assertEqual(sorted(tuple(row) for row in rows), [
                ("tnt_a", "day", "all", "2026-12-31", "", 5, 0, 0), ("tnt_a", "day", "all", "2027-01-01", "", 7, 0, 0),
                ("tnt_a", "day", "all", "2027-01-31", "", 1, 0, 2), ("tnt_a", "day", "category", "2027-01-01", "ä", 0, 3, 0),
                ("tnt_a", "month", "all", "2026-12-01", "", 5, 0, 0), ("tnt_a", "month", "all", "2027-01-01", "", 8, 0, 2),
                ("tnt_a", "month", "category", "2027-01-01", "ä", 0, 3, 0),
            ])
            marks = connection.execute(text("SELECT id, value FROM statistics_marks"))
            self.assertEqual(sorted(tuple(row) for row in marks), [("counted", "evt_x"), ("sums_counted", "evt_x")])
        engine.dispose()

    def test_on_sqlite(self) -> None:
        """Days as they were, months summed up, and counting goes on behind the same event, beside programs that have the old mark."""
        path = Path(self.mktemp()).absolute()
        self.check(f"sqlite:///{path}", f"sqlite:///{path}")

    def test_on_mariadb(self) -> None:
        """The same on a server."""
        server = private_mariadb()
        server.start()
        url = server.url(server.create_database())
        self.check(url, url.replace("mysql://", "mysql+pymysql://") + "?charset=utf8mb4")
