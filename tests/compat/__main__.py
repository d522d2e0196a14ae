"""Writes docs/sendgrid-compatibility.md."""

from tests.compat.running import PAGE, page, run_calls

if __name__ == "__main__":
    outcomes = run_calls()
    PAGE.write_text(page(outcomes), encoding="utf-8")
    for each in outcomes:
        if not each.is_good:
            print(f"{each.calling.method} {each.calling.path}: {each.status}, expected {each.calling.expected}: {each.answer[:300]}")
