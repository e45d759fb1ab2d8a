import { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { dollars } from './figures';
import { IState } from './messages';
import { SessionModel } from './model';
import { budget } from './parts/spend';
import { visible } from './visible';

/** The line of the status bar: strategy, spend, budget, and whether a model is being asked. */
export function line(state: IState, busy: string): string {
  const limit = budget(state.spend);
  const { known, estimated, unknown } = state.spend;
  const spend = dollars(known + estimated) + (unknown ? '+' : '');
  return [
    visible(state.strategy),
    limit ? `${dollars(limit.spent)} / ${dollars(limit.limit)}` : spend,
    ...(state.busy.length ? [busy] : [])
  ].join(' · ');
}

/** Strategy and spend at the foot of the page; a click opens the sidebar. */
export class Status extends Widget {
  constructor(
    private readonly model: SessionModel,
    private readonly trans: TranslationBundle,
    open: () => void
  ) {
    super();
    this.addClass('jp-OrchStatus');
    this.button.title = trans.__('Language models of this notebook: open the sidebar');
    this.button.addEventListener('click', open);
    this.node.append(this.button);
    model.changed.connect(this.refresh, this);
    this.refresh();
  }

  get isActive(): boolean {
    return this.model.state !== null;
  }

  private refresh(): void {
    const { state } = this.model;
    this.button.textContent = state ? line(state, this.trans.__('busy')) : '';
  }

  private readonly button = document.createElement('button');
}
