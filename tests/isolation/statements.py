"""Every SQL statement of the house, as far as it is literal: read from the syntax trees, with names resolved to what they hold.

A piece that only a call knows (a list of columns, a condition that is handed in) becomes the word UNKNOWN; pieces that may be one thing or another (an IfExp, a
name that is set twice) make several statements of one. What dialects add at the end (FOR UPDATE) is left out.
"""

import ast
import importlib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parents[2] / "scaisend"
UNKNOWN = "unknown_piece"
MOST = 64  # possible texts of one expression
DEEPEST = 6
RUNS = ("execute", "rows", "row")
ADDS = ("insert", "upsert")
LOCKS = ("for_update", "skip_locked")
Texts = list[str]
Lists = list[list[str]]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: where it stands, and its text; of an insert the table's name and its columns."""

    place: str
    function: str
    text: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()

    @property
    def crosses(self) -> bool:
        return self.function.partition(":")[2].endswith("_across_tenants")


def statements() -> Iterator[Statement]:
    """All of them; in storage/ only generic code touches a connection, and migrations own no rows."""
    for path in sorted(HOUSE.rglob("*.py")):
        name = str(path.relative_to(HOUSE))
        if not name.startswith("storage/"):
            yield from _of_file(name, ast.parse(path.read_text(encoding="utf-8")))


def answers(function: str) -> list[str]:
    """What the function answers: the words of its annotation, and the fields of the classes that it names."""
    path, _, name = function.partition(":")
    module = importlib.import_module("scaisend." + path.removesuffix(".py").replace("/", "."))
    node = next(each for each in ast.parse((HOUSE / path).read_text(encoding="utf-8")).body if isinstance(each, ast.FunctionDef) and each.name == name)
    whole = ast.unparse(node.returns) if node.returns else ""
    return [whole, *(name for each in re.findall(r"\w+", whole) for name in getattr(getattr(module, each, None), "__dataclass_fields__", ()))]


def _of_file(name: str, tree: ast.Module) -> Iterator[Statement]:
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    module: Any = None
    for function in functions.values():
        for call in [node for node in ast.walk(function) if isinstance(node, ast.Call)]:
            if not (isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "txn" and call.args):
                continue
            if call.func.attr not in (*RUNS, *ADDS):
                continue
            module = module or importlib.import_module("scaisend." + name.removesuffix(".py").replace("/", "."))
            reader = _Reader(module, functions, function)
            place, where = f"{name}:{call.lineno}", f"{name}:{function.name}"
            if call.func.attr in RUNS:
                for text in reader.texts(call.args[0]):
                    yield Statement(place, where, re.sub(r"\s+", " ", text).strip())
            else:
                for table in reader.texts(call.args[0]):
                    for columns in reader.lists(call.args[1]):
                        yield Statement(place, where, table=table, columns=tuple(each.strip("`") for each in columns))


@dataclass(slots=True)
class _Reader:
    """What expressions inside one function can be."""

    module: Any
    functions: dict[str, Any]
    function: Any
    depth: int = 0
    given: dict[str, Texts] = field(default_factory=dict)

    def texts(self, node: ast.expr) -> Texts:
        """The texts that the expression can be, each once."""
        return list(dict.fromkeys(self._texts(node)))[:MOST]

    def _texts(self, node: ast.expr) -> Texts:
        match node:
            case ast.Constant():
                return [str(node.value)]
            case ast.JoinedStr():
                return self._product([self.texts(each) for each in node.values])
            case ast.FormattedValue():
                return self.texts(node.value)
            case ast.BinOp(op=ast.Add()):
                return self._product([self.texts(node.left), self.texts(node.right)])
            case ast.IfExp():
                return [*self.texts(node.body), *self.texts(node.orelse)]
            case ast.BoolOp():
                return [text for each in node.values for text in self.texts(each)]
            case ast.Attribute() if node.attr in LOCKS:
                return [""]
            case ast.Attribute():
                return self._held(self._real(node))
            case ast.Name():
                return self._name(node.id)
            case ast.Subscript():
                return self._held(self._real(node.value))
            case ast.Call():
                return self._call(node)
        return [UNKNOWN]

    def lists(self, node: ast.expr) -> Lists:
        """The lists of texts that the expression can be."""
        match node:
            case ast.List() | ast.Tuple():
                parts = [self.lists(each.value) if isinstance(each, ast.Starred) else [[text] for text in self.texts(each)] for each in node.elts]
                return [list(itertools.chain(*each)) for each in itertools.islice(itertools.product(*parts), MOST)]
            case ast.BinOp(op=ast.Add()):
                pairs = itertools.product(self.lists(node.left), self.lists(node.right))
                return [left + right for left, right in itertools.islice(pairs, MOST)]
            case ast.BinOp(op=ast.Mult()):  # [condition] * (given is not None)
                return [[], *self.lists(node.left)]
            case ast.IfExp():
                return [*self.lists(node.body), *self.lists(node.orelse)]
            case ast.ListComp() | ast.GeneratorExp() if isinstance(node.elt, ast.JoinedStr) and isinstance(node.generators[0].iter, ast.Name):
                inner = self.lists(node.generators[0].iter)
                target = ast.unparse(node.generators[0].target)
                return [[text for item in each for text in self._with({target: [item]}).texts(node.elt)] for each in inner]
            case ast.Subscript(slice=ast.Slice()):
                return self.lists(node.value)
            case ast.Call(func=ast.Attribute(attr="split")) if node.args:
                return [text.split(glue) for text in self.texts(node.func.value) for glue in self.texts(node.args[0])]
            case ast.Name():
                found = [found for value in self._assigned(node.id) for found in self.lists(value)]
                if found:
                    return [each + added for each in found for added in self._appended(node.id)]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tuple", "list", "sorted") and len(node.args) == 1:
            return self.lists(node.args[0])
        real = self._real(node)
        if isinstance(real, Sequence) and not isinstance(real, str) and all(isinstance(each, str) for each in real):
            return [list(real)]
        return [[UNKNOWN]]

    def _appended(self, name: str) -> Lists:
        """What `name.append` and `name +=` may add, and nothing."""
        found: Lists = [[]]
        for node in ast.walk(self.function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append" and ast.unparse(node.func.value) == name:
                found += [[text] for text in self.texts(node.args[0])]
            if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == name:
                found += self.lists(node.value)
        return found[:MOST]

    def _name(self, name: str) -> Texts:
        if name in self.given:
            return self.given[name]
        assigned = self._assigned(name)
        if not assigned and name in _parameters(self.function):
            return self._handed(name)
        found = [text for value in assigned for text in self.texts(value)] + list(self._unpacked(name))
        for node in ast.walk(self.function):
            if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == name:
                found += [a + b for a in found for b in self.texts(node.value)][:MOST]
        return found or self._held(getattr(self.module, name, None))

    def _unpacked(self, name: str) -> Iterator[str]:
        """What the name is given out of a tuple: of a function's answer, or of a loop over a table of the module."""
        for node in ast.walk(self.function):
            target, value = (node.targets[0], node.value) if isinstance(node, ast.Assign) else (node.target, node.iter) if isinstance(node, ast.For) else (None, None)
            if not isinstance(target, ast.Tuple) or name not in (names := [ast.unparse(each) for each in target.elts]):
                continue
            place = names.index(name)
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in self.functions:
                callee = self.functions[value.func.id]
                inner = _Reader(self.module, self.functions, callee, self.depth + 1)
                for each in ast.walk(callee):
                    if isinstance(each, ast.Return) and isinstance(each.value, ast.Tuple):
                        yield from inner.texts(each.value.elts[place])
            elif isinstance(table := self._real(value) if value is not None else None, tuple):
                yield from (str(each[place]) for each in table)

    def _handed(self, name: str) -> Texts:
        """What the calls in its own file hand in for the parameter; UNKNOWN from elsewhere."""
        place = _parameters(self.function).index(name)
        found: Texts = []
        for caller in self.functions.values() if self.function.name.startswith("_") and self.depth < DEEPEST else ():
            for call in ast.walk(caller):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == self.function.name:
                    values = [each.value for each in call.keywords if each.arg == name] or call.args[place : place + 1]
                    inner = _Reader(self.module, self.functions, caller, self.depth + 1)
                    found += [text for value in values for text in inner.texts(value)]
        return found or [UNKNOWN]

    def _assigned(self, name: str) -> list[ast.expr]:
        """The expressions that the function gives the name; of a loop over a literal, its items."""
        found: list[ast.expr] = []
        for node in ast.walk(self.function):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    found += _bound(target, node.value, name)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                found += _bound(node.target, node.value, name)
            elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Tuple | ast.List):
                for item in node.iter.elts:
                    found += _bound(node.target, item, name)
        return found

    def _call(self, node: ast.Call) -> Texts:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "join":
            return [glue.join(each) for glue in self.texts(function.value) for each in self.lists(node.args[0])]
        if isinstance(function, ast.Attribute) and function.attr == "format":
            return self._format(function.value, node)
        if isinstance(function, ast.Name) and function.id in self.functions and self.depth < DEEPEST:
            callee = self.functions[function.id]
            names = [each.arg for each in (*callee.args.posonlyargs, *callee.args.args)]
            given = {name: self.texts(value) for name, value in zip(names, node.args, strict=False) if not isinstance(value, ast.Starred)}
            given |= {each.arg: self.texts(each.value) for each in node.keywords if each.arg}
            inner = _Reader(self.module, self.functions, callee, self.depth + 1, given)
            returned = [each.value for each in ast.walk(callee) if isinstance(each, ast.Return) and each.value is not None]
            return [text for value in returned for text in inner.texts(value)] or [UNKNOWN]
        return [UNKNOWN]

    def _format(self, template: ast.expr, node: ast.Call) -> Texts:
        """`TEMPLATE.format(name=…, **parts)`."""
        found = []
        choices: list[list[tuple[str, str]]] = [[(each.arg, text) for text in self.texts(each.value)] for each in node.keywords if each.arg]
        dicts: list[Any] = []
        for each in node.keywords:
            if each.arg is None:
                chosen = self._assigned(ast.unparse(each.value)) or [each.value]
                dicts.append([real for value in chosen for one in ((value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)) for real in self._dicts(one)])
        for text in self.texts(template):
            for values in itertools.product(*choices):
                for parts in itertools.product(*dicts):
                    whole = dict.fromkeys(re.findall(r"\{(\w+)\}", text), UNKNOWN) | dict(values)
                    for part in parts:
                        whole |= part if isinstance(part, dict) else {}
                    found.append(text.format(**whole))
        return found

    def _dicts(self, node: ast.expr) -> list[Any]:
        """The dict that the expression is, or all that a table of dicts holds."""
        if isinstance(node, ast.Subscript):
            return list((self._real(node.value) or {}).values())
        return [self._real(node)]

    def _with(self, given: dict[str, Texts]) -> "_Reader":
        return _Reader(self.module, self.functions, self.function, self.depth, {**self.given, **given})

    def _real(self, node: ast.expr) -> Any:
        """What a name of the module, or an attribute of one, holds; None when only a call knows."""
        if isinstance(node, ast.Name):
            return getattr(self.module, node.id, None)
        if isinstance(node, ast.Attribute):
            return getattr(self._real(node.value), node.attr, None)
        if isinstance(node, ast.Dict):
            return {key.value: value.value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)}
        return None

    def _held(self, value: Any) -> Texts:
        if isinstance(value, str):
            return [value]
        if isinstance(value, dict) and value and all(isinstance(each, str) for each in value.values()):
            return list(value.values())
        return [UNKNOWN]

    def _product(self, parts: list[Texts]) -> Texts:
        return ["".join(each) for each in itertools.islice(itertools.product(*parts), MOST)]


def _parameters(function: Any) -> list[str]:
    return [each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def _bound(target: ast.expr, value: ast.expr, name: str) -> list[ast.expr]:
    """What the name is given when the value is assigned to the target."""
    if isinstance(target, ast.Name):
        return [value] if target.id == name else []
    if isinstance(value, ast.IfExp):
        return [*_bound(target, value.body, name), *_bound(target, value.orelse, name)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return [each for one, its in zip(target.elts, value.elts, strict=True) for each in _bound(one, its, name)]
    return []
