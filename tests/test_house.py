"""The laws of the house, checked from the syntax trees of scaisend/ (docs/architecture.md)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.base import PlainTestCase

HOUSE = Path(__file__).resolve().parents[1] / "scaisend"

# The staircase, top first: a room imports rooms that stand after it, and the words.
STAIRS = (
    "app", "inbound", "submission", "delivery", "sending", "reporting", "tracking", "messages", "content", "suppressions", "domains", "identity",
    "http", "smtp", "storage",
)
ABOVE_GROUND = STAIRS[1:12]
TOUCHING = ("api", "store", "worker", "client", "server")
# What clean files may not import: the world, and what reads clocks or dice.
WORLD = (
    "twisted", "klein", "treq", "txredisapi", "pymysql", "sqlite3", "boto3", "dns", "socket", "ssl", "time", "random", "secrets", "os",
    "subprocess", "threading", "asyncio", "urllib.request", "sqlalchemy", "alembic",
)
# One library, one file (or the few that stand for one door).
LIBRARIES = {
    "klein": {"http/site.py"},
    "treq": {"http/outgoing.py"},
    "txredisapi": {"storage/redis.py"},
    "twisted.enterprise": {"storage/pool.py"},
    "pymysql": {"storage/mysql_engine.py", "storage/mysql_txn.py", "storage/migrations/run.py"},
    "boto3": {"storage/s3_objects.py"},
    "botocore": {"storage/s3_objects.py"},
    "dns": {"domains/dns_client.py", "domains/dns_sockets_client.py"},
    "prometheus_client": {"app/metrics.py"},
}
# The statements that cross tenants by design stand in functions with this ending.
CROSSING = "_across_tenants"
SQL = re.compile(r"^\s*(SELECT\s.+\sFROM|INSERT\s+(IGNORE\s+)?INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM)\s", re.IGNORECASE | re.DOTALL)
FILE_LINES = 400
FUNCTION_LINES = 50
# Broad catches that answer for what they caught in another way than by logging it or passing it on.
ANSWERED = {"app/ops_api.py", "storage/mysql_engine.py"}  # a probe says `away`; a connection that cannot roll back is closed
LOGGED = {"failure", "warn", "error", "critical"}
FORBIDDEN_NAMES = re.compile(r"(^|_)(manager|handler|helper|helpers|util|utils|misc|common)(_|\.|$)|(?<![a-z0-9])do_|_impl$")


def sources() -> Iterator[tuple[str, ast.Module, str]]:
    """Every source file: path below scaisend/, tree, text."""
    for path in sorted(HOUSE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        yield str(path.relative_to(HOUSE)), ast.parse(text), text


def imports(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Each imported module, and whether only for types."""
    typed = {
        id(inner) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield each.name, id(node) in typed
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, id(node) in typed
            for each in node.names:
                yield f"{node.module}.{each.name}", id(node) in typed


def assembled() -> Iterator[tuple[str, ast.Module]]:
    """The rooms that have a file in app/rooms/, each with its tree."""
    for path, tree, _ in sources():
        if path.startswith("app/rooms/") and not path.endswith("__init__.py"):
            yield path.removeprefix("app/rooms/").removesuffix(".py"), tree


def room_of(path: str) -> str:
    """The room a file stands in; "" for a word."""
    return path.partition("/")[0] if "/" in path else ""


def ending_of(path: str) -> str:
    return path.removesuffix(".py").rpartition("/")[2].rpartition("_")[2]


class Staircase(PlainTestCase):
    def test_rooms_import_only_downwards(self) -> None:
        """A room imports its own files, rooms below it and words; a word imports words."""
        wrong = []
        for path, tree, _ in sources():
            here = room_of(path)
            for module, _ in imports(tree):
                if not module.startswith("scaisend."):
                    continue
                there = module.split(".")[1]
                if there not in STAIRS:
                    continue
                if here == "" or STAIRS.index(there) < STAIRS.index(here):
                    wrong.append(f"{path} imports {module}")
        self.assertEqual(wrong, [])

    def test_every_room_has_its_manual_page(self) -> None:
        """`__init__.py` of a room is a docstring and no code."""
        for room in STAIRS:
            page = HOUSE / room / "__init__.py"
            if not (HOUSE / room).exists():
                continue
            tree = ast.parse(page.read_text(encoding="utf-8"))
            self.assertTrue(ast.get_docstring(tree), f"{room} has no manual page")
            self.assertEqual(len(tree.body), 1, f"{room}/__init__.py holds code")


class Assembling(PlainTestCase):
    def test_a_room_is_put_together_from_itself_and_rooms_below(self) -> None:
        """A file of app/rooms/ names what its room may import, and the files of app/rooms/ below it."""
        wrong = []
        for room, tree in assembled():
            below = STAIRS[STAIRS.index(room):]
            for module, _ in imports(tree):
                first, _, rest = module.removeprefix("scaisend.").partition(".")
                if first == "app":
                    first = rest.removeprefix("rooms.").partition(".")[0] if rest.startswith("rooms.") else "app"
                if module.startswith("scaisend.") and first in STAIRS[1:] and first not in below:
                    wrong.append(f"app/rooms/{room}.py imports {module}")
        self.assertEqual(wrong, [])

    def test_every_room_is_hung_up_by_its_two_functions(self) -> None:
        """`routes(assembly)` and `services(assembly, roles)` have that shape; who has one stands in its list in routes.py."""
        lists = {
            node.targets[0].id: [each.id for each in node.value.elts if isinstance(each, ast.Name)]
            for node in ast.parse((HOUSE / "app" / "routes.py").read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Tuple)
        }
        for name, wanted, hung in (("routes", ["assembly"], "DOORS"), ("services", ["assembly", "roles"], "SERVICES")):
            found = {
                room: [each.arg for each in node.args.args] for room, tree in assembled() for node in tree.body
                if isinstance(node, ast.FunctionDef) and node.name == name
            }
            self.assertEqual(found, dict.fromkeys(found, wanted))
            self.assertEqual(sorted(lists[hung]), sorted(found))


class Endings(PlainTestCase):
    def test_only_five_endings_touch_the_world(self) -> None:
        """Between app/ and the ground floor, a file whose ending is none of the five imports nothing of the world."""
        wrong = []
        for path, tree, _ in sources():
            clean = room_of(path) in ABOVE_GROUND and ending_of(path) not in TOUCHING
            if not clean:
                continue
            for module, _ in imports(tree):
                if any(module == each or module.startswith(each + ".") for each in WORLD):
                    wrong.append(f"{path} imports {module}")
        self.assertEqual(sorted(set(wrong)), [])

    def test_sql_stands_in_stores(self) -> None:
        """SQL text stands in files that end in store.py, in storage/, and nowhere else."""
        wrong = []
        for path, tree, _ in sources():
            if ending_of(path) == "store" or path.startswith("storage/") or path == "app/ops_api.py":
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
                    wrong.append(f"{path}:{node.lineno}")
        self.assertEqual(wrong, [])

    def test_store_functions_take_the_tenant(self) -> None:
        """Each public transaction function of a store takes tenant_id second, is named as crossing tenants, carries pairs, or stands above tenants."""
        wrong = []
        for path, tree, _ in sources():
            if ending_of(path) != "store" or room_of(path) not in ABOVE_GROUND:
                continue
            for node in tree.body:
                if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or not node.args.args or node.args.args[0].arg != "txn":
                    continue
                names = [each.arg for each in node.args.args + node.args.kwonlyargs]
                if node.name.endswith(CROSSING) or (len(names) > 1 and names[1] == "tenant_id"):
                    continue
                if f"{path}:{node.name}" in TENANTS_WITHIN | ABOVE_TENANTS:
                    continue
                wrong.append(f"{path}:{node.name}")
        self.assertEqual(wrong, [])

    def test_one_library_one_file(self) -> None:
        """What may be replaced is imported in one place."""
        wrong = []
        for path, tree, _ in sources():
            for module, _ in imports(tree):
                for library, places in LIBRARIES.items():
                    if (module == library or module.startswith(library + ".")) and path not in places:
                        wrong.append(f"{path} imports {module}")
        self.assertEqual(sorted(set(wrong)), [])


class Colours(PlainTestCase):
    def test_transaction_functions_never_await(self) -> None:
        """A function whose first argument is `txn` is plain; no inlineCallbacks anywhere."""
        wrong = []
        for path, tree, text in sources():
            if "inlineCallbacks" in text:
                wrong.append(f"{path}: inlineCallbacks")
            for node in ast.walk(tree):
                if isinstance(node, ast.AsyncFunctionDef) and node.args.args and node.args.args[0].arg == "txn":
                    wrong.append(f"{path}:{node.name} is a coroutine with a transaction")
        self.assertEqual(wrong, [])


class Errors(PlainTestCase):
    def test_nothing_is_swallowed(self) -> None:
        """Who catches every exception raises it, logs it or hands it on."""
        wrong = []
        for path, tree, _ in sources():
            for node in ast.walk(tree):
                if isinstance(node, ast.ExceptHandler) and is_broad(node) and not answers(node) and path not in ANSWERED:
                    wrong.append(f"{path}:{node.lineno}")
        self.assertEqual(wrong, [])


class Sizes(PlainTestCase):
    def test_files_and_functions_stay_small(self) -> None:
        """No file over 400 lines but tables, no function over 50 lines of code."""
        wrong = []
        for path, tree, text in sources():
            if text.count("\n") > FILE_LINES and path not in TABLES:
                wrong.append(f"{path}: {text.count(chr(10))} lines")
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "migrations/versions" not in path:
                    lines = code_lines(node, text)
                    if lines > FUNCTION_LINES:
                        wrong.append(f"{path}:{node.name}: {lines} lines of code")
        self.assertEqual(wrong, [])

    def test_names_are_nouns_of_the_domain(self) -> None:
        """No managers, handlers, helpers or drawers."""
        wrong = [path for path, _, _ in sources() if FORBIDDEN_NAMES.search(path)]
        for path, tree, _ in sources():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and FORBIDDEN_NAMES.search(node.name.lower()):
                    wrong.append(f"{path}:{node.name}")
        self.assertEqual(wrong, [])

    def test_every_file_says_what_it_is(self) -> None:
        """Every source file begins with a docstring."""
        self.assertEqual([path for path, tree, text in sources() if text.strip() and not ast.get_docstring(tree)], [])


class Twins(PlainTestCase):
    def test_clean_files_have_a_twin(self) -> None:
        """Every clean file of a room has a test at the same path."""
        missing = []
        for path, _, _ in sources():
            room, _, name = path.rpartition("/")
            if room not in ABOVE_GROUND or name == "__init__.py" or ending_of(path) in TOUCHING or path in TWINLESS:
                continue
            if not (HOUSE.parent / "tests" / room / f"test_{name}").exists():
                missing.append(path)
        self.assertEqual(missing, [])


def is_broad(node: ast.ExceptHandler) -> bool:
    return node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))


def answers(node: ast.ExceptHandler) -> bool:
    """Whether the handler raises, logs, or uses the exception it caught."""
    for inner in (each for statement in node.body for each in ast.walk(statement)):
        if isinstance(inner, ast.Raise) or (isinstance(inner, ast.Attribute) and inner.attr in LOGGED):
            return True
        if isinstance(inner, ast.Name) and inner.id in (node.name, "Failure"):
            return True
    return False


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, text: str) -> int:
    """Lines of a function without blanks, comments and its docstring."""
    first = node.body[0]
    skipped: set[int] = set()
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        skipped = set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    lines = text.splitlines()
    return sum(
        1 for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        if number not in skipped and lines[number - 1].strip() and not lines[number - 1].strip().startswith("#")
    )


# Store functions whose rows or keys carry the tenant themselves: (tenant, key) pairs, or rows to insert.
TENANTS_WITHIN = {
    "sending/store.py:insert_requests", "sending/store.py:insert_messages", "sending/store.py:insert_recipients",
    "sending/store.py:claim_idempotency_keys", "sending/store.py:remembered", "sending/store.py:templates_known",
    "sending/store.py:groups_known", "sending/store.py:pools_known", "sending/batches_store.py:known_batches",
    "sending/batches_store.py:statuses", "domains/store.py:verified_domains", "identity/keys_store.py:note_keys_used",
    "identity/keys_store.py:check_callers",
}
# What stands above tenants: the installation, partners and the list of tenants, and the credential that leads to one.
ABOVE_TENANTS = {
    "identity/instance_store.py:bump_identity_epoch", "identity/instance_store.py:identity_epoch", "identity/instance_store.py:claim_fact",
    "identity/instance_store.py:check_fingerprint", "identity/instance_store.py:set_fact", "identity/instance_store.py:find_fact",
    "identity/keys_store.py:find_credential", "identity/people_store.py:make_partner",
    "identity/people_store.py:make_tenant", "identity/people_store.py:tenants", "identity/people_store.py:only_tenant",
    "identity/people_store.py:find_tenant", "identity/people_store.py:tenants_called", "identity/people_store.py:lock_partner",
    "identity/people_store.py:partners", "identity/people_store.py:partner_within",
    "identity/people_store.py:set_partner_status", "identity/people_store.py:init_installation",
}
# Tables may be long; what they replace would be longer.
TABLES: set[str] = set()
# Files that hold only values, tested through those who use them.
TWINLESS = {"sending/outbound.py", "delivery/job.py", "delivery/house.py"}
