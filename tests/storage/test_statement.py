"""Taking SQL apart."""

from scaisend.storage.statement import Place, take_apart
from tests.base import PlainTestCase


class TakeApartTests(PlainTestCase):
    """Where parameters are seen, and where not."""

    def test_finds_parameters(self) -> None:
        """The text between and the names, in order, repeats included."""
        statement = take_apart("SELECT :a, b FROM t WHERE c=:a AND d > :long_name2")
        self.assertEqual(statement.texts, ("SELECT ", ", b FROM t WHERE c=", " AND d > ", ""))
        self.assertEqual([place.name for place in statement.places], ["a", "a", "long_name2"])

    def test_sees_none_in_literals_names_comments_and_casts(self) -> None:
        """A colon there is a colon, also after a doubled quote."""
        for sql in ("SELECT ':a'", "SELECT 'it''s :a'", 'SELECT ":a"', "SELECT `:a`", "SELECT 1 -- :a", "SELECT /* :a\n:b */ 1", "SELECT x::int", "'12:30'"):
            self.assertEqual(take_apart(sql).places, (), sql)
            self.assertEqual(take_apart(sql).texts, (sql,))

    def test_knows_the_left_side_of_in(self) -> None:
        """The number of columns before IN, and NOT IN, so that an empty list can be written."""
        places = take_apart("a IN :a AND (b, c , d) in :b OR b NOT  IN :c AND (a,b) NOT IN :d AND f(a, b) = :e").places
        self.assertEqual(places, (
            Place("a", 1, False), Place("b", 3, False), Place("c", 1, True), Place("d", 2, True), Place("e", 1, False),
        ))

    def test_is_done_once_a_text(self) -> None:
        """The same text is not taken apart again."""
        self.assertIs(take_apart("SELECT :once"), take_apart("SELECT :once"))
