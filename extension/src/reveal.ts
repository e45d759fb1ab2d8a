import { NotebookPanel } from '@jupyterlab/notebook';

/** Scroll to the cell of an id, and select it; a cell that is gone is left in peace. */
export async function revealCell(panel: NotebookPanel | null, id: string): Promise<void> {
  const notebook = panel?.content;
  const index = notebook?.widgets.findIndex(cell => cell.model.id === id) ?? -1;
  if (notebook && index >= 0) {
    notebook.deselectAll();
    notebook.activeCellIndex = index;
    notebook.mode = 'command';
    await notebook.scrollToItem(index, 'smart');
    notebook.activate();
  }
}
