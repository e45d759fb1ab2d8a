import { TranslationBundle } from '@jupyterlab/translation';

import { Command, IState } from '../messages';

/** What every part of the sidebar is given. */
export interface IPart {
  state: IState;
  send: (command: Command) => void;
  trans: TranslationBundle;
}
