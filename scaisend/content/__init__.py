"""content: what mails are made of.

What it does: dynamic and legacy templates, legacy substitutions, text parts made from HTML, and the image library.
`handlebars/`: the language of dynamic templates. `template_parts.py`: subject, HTML and text of a version, compiled and rendered.
`templates_api.py`: /v3/templates; `template_request.py` reads its bodies. `substitutions.py`: `whole_values` joins a message's
substitutions with its request's sections, `substitute` puts them into one text. `plain_text.py`: the text part of a mail that
has only HTML; `text_template.py`: the same for a whole template, once.
`images_api.py`: /v3/images and /i/<image_id>; `image_type.py` tells by the content what an image is, `thumbnail.py` makes small ones.
Tables: templates, template_versions (`templates_store.py`), images (`images_store.py`; the bytes are objects under `images/`).
Callers: sending, app.
Laws: a dynamic version that no data could render is refused when it is saved. Substitution is literal, once, without escaping.
Both are bounded in what they make; nobody's template may fill the memory or the hour.
"""
