import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ISignal, Signal } from '@lumino/signaling';

import { PLUGIN } from './tokens';

/** The user's settings, with the schema's defaults where there are none to read. */
export class Preferences {
  constructor(private readonly settings: ISettingRegistry.ISettings | null) {
    settings?.changed.connect(() => this._changed.emit());
  }

  static async load(registry: ISettingRegistry | null): Promise<Preferences> {
    try {
      return new Preferences((await registry?.load(PLUGIN)) ?? null);
    } catch (error) {
      console.warn(`${PLUGIN}: settings cannot be read, defaults are used`, error);
      return new Preferences(null);
    }
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get highlight(): boolean {
    return this.settings?.composite.highlight !== false;
  }

  get badge(): boolean {
    return this.settings?.composite.badge !== false;
  }

  get autoload(): boolean {
    return this.settings?.composite.autoload === true;
  }

  get side(): 'left' | 'right' {
    return this.settings?.composite.side === 'left' ? 'left' : 'right';
  }

  /** The strategy of new sessions; empty: the session's own. */
  get strategy(): string {
    const strategy = this.settings?.composite.strategy;
    return typeof strategy === 'string' ? strategy.trim() : '';
  }

  private readonly _changed = new Signal<this, void>(this);
}
