"""content: what mails are made of.

What it does: legacy substitutions, and text parts made from HTML.
`substitutions.py`: `whole_values` joins a message's substitutions with its request's sections, `substitute` puts them into
one text. `plain_text.py`: the text part of a mail that has only HTML.
Tables: templates, template_versions, images.
Callers: sending, app.
Laws: both are plain functions of what they are given. Substitution is literal, once, without escaping, and bounded in what
it makes; nobody's template may fill the memory or the hour.
"""
