import { Cell, CodeCellModel, ICellModel, ICodeCellModel } from '@jupyterlab/cells';
import { CellList, Notebook } from '@jupyterlab/notebook';
import { TranslationBundle } from '@jupyterlab/translation';

import { Preferences } from './preferences';
import { describe, readProvenance } from './provenance';
import { visible } from './visible';

/**
 * Shows on each answered cell of one notebook who answered, and for how much.
 *
 * All of it stands in the outputs' metadata, so that it is there without a kernel.
 */
export class Badges {
  constructor(
    private readonly notebook: Notebook,
    private readonly preferences: Preferences,
    private readonly trans: TranslationBundle
  ) {
    notebook.modelChanged.connect(this.follow, this);
    preferences.changed.connect(this.showAll, this);
    notebook.disposed.connect(() => preferences.changed.disconnect(this.showAll, this));
    this.follow();
  }

  /** Watch the cells of the notebook's model, and no longer those of the one before. */
  private follow(): void {
    this.cells?.changed.disconnect(this.onCells, this);
    this.cells = this.notebook.model?.cells ?? null;
    this.cells?.changed.connect(this.onCells, this);
    this.showAll();
  }

  private onCells(_: CellList, change: { newValues: ICellModel[] }): void {
    const added = new Set(change.newValues);
    this.notebook.widgets.filter(cell => added.has(cell.model)).forEach(this.watch, this);
  }

  private showAll(): void {
    this.notebook.widgets.forEach(this.watch, this);
  }

  private watch(cell: Cell): void {
    const { model } = cell;
    if (!isCode(model)) {
      return;
    }
    if (!this.shows.has(cell)) {
      // the outputs' signal goes with the model, and the model with its cell
      const show = () => this.show(cell, model);
      this.shows.set(cell, show);
      model.outputs.changed.connect(show);
      // a cell draws itself when it comes into view, and the badge stands below all that
      void cell.ready.then(show);
    }
    this.shows.get(cell)!();
  }

  private show(cell: Cell, model: ICodeCellModel): void {
    if (cell.isDisposed || model.isDisposed) {
      return;
    }
    const answer = this.preferences.badge ? readProvenance(metadata(model)) : null;
    let badge = this.badges.get(cell);
    if (!answer) {
      badge?.remove();
      return;
    }
    if (!badge) {
      badge = document.createElement('div');
      badge.className = 'jp-OrchBadge';
      badge.setAttribute('role', 'note');
      this.badges.set(cell, badge);
    }
    const words = {
      models: this.trans.__('models'),
      cached: this.trans.__('cached'),
      simulated: this.trans.__('simulated'),
      cascade: this.trans.__('cascade'),
      fallback: this.trans.__('fallback')
    };
    const text = visible(describe(answer, words));
    if (badge.textContent !== text) {
      badge.textContent = text;
    }
    badge.setAttribute('aria-label', this.trans.__('answered by %1', text));
    badge.title = [...answer.models, ...answer.failed].map(visible).join('\n');
    if (badge !== cell.node.lastChild) {
      cell.node.append(badge);
    }
  }

  private cells: CellList | null = null;
  private readonly badges = new WeakMap<Cell, HTMLElement>();
  private readonly shows = new WeakMap<Cell, () => void>();
}

function isCode(model: ICellModel): model is CodeCellModel {
  return model.type === 'code';
}

function metadata(model: ICodeCellModel): unknown[] {
  return Array.from({ length: model.outputs.length }, (_, at) => model.outputs.get(at).metadata);
}
