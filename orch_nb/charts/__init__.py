"""Charts from plain numbers: interactive where Plotly is drawn, else a still picture, and text."""
