"""The server: every page has a stable address, works without JavaScript, and has its JSON at ``/api``.

app.py       routes
asked.py     what an address asks for
ondemand.py  pictures and replays
answers.py   what is kept of answers, and how much is made at a time
render.py    templates and the filters in them; static files
charts.py    drawings on the server: Figure 1, the tree's newest part
live.py      one stream of events for all that watch
feeds.py     Atom feeds
metrics.py   what Prometheus reads
openapi.py   the description of the API
guard.py     headers that let nothing in from elsewhere
serve.py     watcher and server together
"""
