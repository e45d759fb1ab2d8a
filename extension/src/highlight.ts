import { ICellModel, isCodeCellModel } from '@jupyterlab/cells';
import { CodeEditor } from '@jupyterlab/codeeditor';
import { CellList, Notebook } from '@jupyterlab/notebook';
import { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { readCell } from './lines';
import { Preferences } from './preferences';

/** JupyterLab's own modes, those of Markdown cells and of YAML files. */
const MARKDOWN = 'text/x-ipythongfm';
const YAML = 'text/x-yaml';

const MODES: Record<string, string> = {
  '%%orch': MARKDOWN,
  '%%orch_select': MARKDOWN,
  '%%orch_pipeline': YAML
};

/**
 * Shows the prompt cells of one notebook as Markdown and its pipelines as YAML, until the notebook
 * is disposed.
 *
 * It listens to cell models, not to cell widgets: JupyterLab makes an editor only when its cell
 * comes into view, and that editor should then find the right type.
 */
export class Highlight implements IDisposable {
  constructor(
    private readonly notebook: Notebook,
    private readonly preferences: Preferences
  ) {
    notebook.disposed.connect(this.dispose, this);
    notebook.modelChanged.connect(this.follow, this);
    preferences.changed.connect(this.watchAll, this);
    this.follow();
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  dispose(): void {
    this.disposed = true;
    Signal.clearData(this);
  }

  /** Watch the cells of the notebook's model, and no longer those of the one before. */
  private follow(): void {
    for (const cell of this.cells ?? []) {
      cell.contentChanged.disconnect(this.mark, this);
      cell.mimeTypeChanged.disconnect(this.mark, this);
    }
    this.cells?.changed.disconnect(this.onCells, this);
    this.cells = this.notebook.model?.cells ?? null;
    this.cells?.changed.connect(this.onCells, this);
    this.watchAll();
  }

  private watchAll(): void {
    for (const cell of this.cells ?? []) {
      this.watch(cell);
    }
  }

  private onCells(_: CellList, change: { newValues: ICellModel[] }): void {
    change.newValues.forEach(this.watch, this);
  }

  /** A cell that goes takes its connections with it: its model clears them. */
  private watch(cell: ICellModel): void {
    if (isCodeCellModel(cell)) {
      cell.contentChanged.connect(this.mark, this);
      // the notebook resets every code cell when the kernel's language arrives
      cell.mimeTypeChanged.connect(this.mark, this);
      this.mark(cell);
    }
  }

  /** Only ever to and from our modes, so that two views of one notebook cannot disagree forever. */
  private mark(cell: CodeEditor.IModel): void {
    const magic = this.preferences.highlight && readCell(cell.sharedModel.getSource())?.magic;
    if (magic) {
      cell.mimeType = MODES[magic];
    } else if (cell.mimeType === MARKDOWN || cell.mimeType === YAML) {
      cell.mimeType = this.notebook.codeMimetype;
    }
  }

  private cells: CellList | null = null;
  private disposed = false;
}
