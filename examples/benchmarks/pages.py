"""What scripts share that train networks: names of their folders, and a page beside the results it is made of."""

from dgl_memgnn.runs.run import write_json


def file_name(name):
    """The name of a row as that of a file."""
    return name.lower().replace(",", "").replace(" ", "_").replace("-", "_")


def store(folder, name, result, page):
    """Write results to a JSON file and their page to README.md, and print the page."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / name, result)
    (folder / "README.md").write_text(page, encoding="utf-8")
    print(page)
