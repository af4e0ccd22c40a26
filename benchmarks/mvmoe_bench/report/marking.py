"""What every report says of its maker, and is recognised by before it is replaced."""

MADE_BY = "mvmoe report"

IN_HTML = f'<meta name="generator" content="{MADE_BY}">'
IN_MARKDOWN = f"<!-- {MADE_BY} -->"
IN_PNG = f"Software\0{MADE_BY}"
