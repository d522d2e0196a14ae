"""handlebars: the template language of SendGrid's dynamic templates.

    template = compile_template("Hello {{insert name \"default=Customer\"}}!")
    template.render({"name": "Ann"})

`parse.py` makes nodes (`nodes.py`) of a text, `whitespace.py` takes out what stands around tags alone on their line, and
`compile.py` makes closures of the nodes, once; `render.py` calls them with one mail's data. `helpers.py` is the table of
functions that templates may call, `dates.py` is formatDate, `values.py` says how a value is looked up, printed and compared,
which is as JavaScript does.
Callers: content, sending, app.
Laws: all is clean. Values are looked up in dicts, lists and texts, by key and place: no attribute of a Python object can be
reached. Steps, depth and output are bounded. What the language is, and where it differs from handlebars.js, is written in
docs/templates.md.
"""
