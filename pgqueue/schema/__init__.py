"""The database schema: migrations, their revisions, and the database roles.

`sql/REVISION/` holds the text of each revision, one object a file. Read the current text of a
function or view in the folder of the highest revision that has its file. A revision that replaces
a function adds a file with its whole new text; the old text stays in the older folder.
"""
