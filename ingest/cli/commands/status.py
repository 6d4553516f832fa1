from ingest.cli.frame import App
import typer

app = App()


@app.command()
def status(ctx: typer.Context, json: bool = False, name: str = "x") -> int:
    """Status."""
    print(ctx.obj, json, name)
    return 3
