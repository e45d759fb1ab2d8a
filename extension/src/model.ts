import { ISessionContext } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISignal, Signal } from '@lumino/signaling';

import { IWishes, KernelLink, Phase } from './kernel';
import { Command, IRanking, IState, Push } from './messages';

/** What is known of the session of the notebook in front; it holds no truth of its own. */
export class SessionModel {
  constructor(
    private readonly tracker: INotebookTracker,
    private readonly wishes: () => IWishes
  ) {
    tracker.currentChanged.connect(this.onCurrent, this);
    this.onCurrent();
  }

  /** Anything that is shown has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Another notebook, link or choice of the session: what was ranked may be ranked otherwise. */
  get outdated(): ISignal<this, void> {
    return this._outdated;
  }

  get panel(): NotebookPanel | null {
    return this.tracker.currentWidget;
  }

  get phase(): Phase {
    return this.link?.phase ?? 'none';
  }

  get state(): IState | null {
    return this.link?.state ?? null;
  }

  /** The answer to the last question that was asked, or null. */
  get ranking(): IRanking | null {
    return this._ranking;
  }

  /** What the kernel refused, or an empty string. */
  get error(): string {
    return this._error;
  }

  /** Ask the kernel of the notebook in front; what it refused before is settled. */
  send(command: Command): void {
    if (command.type !== 'rank' && this._error) {
      this._error = '';
      this._changed.emit();
    }
    this.link?.send(command);
  }

  /** Ask all kernels that are linked. */
  broadcast(command: Command): void {
    this.tracker.forEach(panel => this.linkOf(panel).send(command));
  }

  /** Which question of a ranking is the last one; an answer to an older one is not shown. */
  expect(request: number | null): void {
    this.request = request;
    if (request === null && this._ranking) {
      this._ranking = null;
      this._changed.emit();
    }
  }

  /** The link of a notebook, made when it is first asked for; two views of one share theirs. */
  linkOf({ sessionContext }: NotebookPanel): KernelLink {
    let link = this.links.get(sessionContext);
    if (!link) {
      link = new KernelLink(sessionContext, this.wishes);
      this.links.set(sessionContext, link);
      sessionContext.disposed.connect(link.dispose, link);
    }
    return link;
  }

  /** The tracker tells of a notebook in front before it tells of a new one. */
  private onCurrent(): void {
    const panel = this.panel;
    const link = panel ? this.linkOf(panel) : null;
    if (link !== this.link) {
      this.link?.pushed.disconnect(this.onPush, this);
      link?.pushed.connect(this.onPush, this);
      this.link = link;
      this.onPush(link, null);
    }
  }

  private onPush(_: KernelLink | null, push: Push | null): void {
    if (push === null) {
      this._ranking = null;
      this._error = '';
    } else if (push.type === 'error') {
      this._error = push.message;
    } else if (push.type === 'ranking') {
      if (push.request !== this.request) {
        return;
      }
      this._ranking = push;
    }
    this._changed.emit();
    const { state } = this;
    const choice = JSON.stringify(
      state && [
        state.strategy,
        state.weights,
        state.tools,
        state.models.map(({ id, on }) => [id, on])
      ]
    );
    if (push === null || choice !== this.choice) {
      this.choice = choice;
      this._outdated.emit();
    }
  }

  private readonly links = new WeakMap<ISessionContext, KernelLink>();
  private link: KernelLink | null = null;
  private request: number | null = null;
  /** What a ranking depends on, but for the prompt. */
  private choice = '';
  private _ranking: IRanking | null = null;
  private _error = '';
  private readonly _changed = new Signal<this, void>(this);
  private readonly _outdated = new Signal<this, void>(this);
}
