import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Badges } from './badge';
import { addCommands } from './commands';
import { Highlight } from './highlight';
import { SessionModel } from './model';
import { placeholders } from './placeholders';
import { Preferences } from './preferences';
import { Ranker, followActiveCell } from './ranker';
import { Sidebar } from './sidebar';
import { Status } from './status';
import { PLUGIN } from './tokens';

/** Below those of JupyterLab, which are at most 1000. */
const RANK = 1100;

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'The language models of a notebook: spend, choice, calls, and prompt cells.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ISettingRegistry, ITranslator, ICommandPalette, IStatusBar, IEditorExtensionRegistry],
  activate: async (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    registry: ISettingRegistry | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    statusBar: IStatusBar | null,
    editors: IEditorExtensionRegistry | null
  ) => {
    const trans = (translator ?? nullTranslator).load('orch_nb');
    // before the first editor is made, and so before the settings are read
    let preferences = new Preferences(null);
    editors?.addExtension({
      name: 'orch-nb:placeholders',
      factory: () => ({
        instance: () => placeholders(() => preferences.highlight),
        reconfigure: () => null
      })
    });
    preferences = await Preferences.load(registry);

    const model = new SessionModel(tracker, () => preferences);
    watchPanels(tracker, panel => {
      model.linkOf(panel);
      new Highlight(panel.content, preferences);
      new Badges(panel.content, preferences, trans);
    });

    const ranker = new Ranker(model, Math.floor(Math.random() * 2 ** 30));
    model.outdated.connect(followActiveCell(tracker, ranker));

    const sidebar = new Sidebar(model, trans);
    const place = () => app.shell.add(sidebar, preferences.side, { rank: RANK });
    place();
    const open = () => app.shell.activateById(sidebar.id);
    addCommands({ app, tracker, model, palette, trans, open });

    if (statusBar) {
      const status = new Status(model, trans, open);
      statusBar.registerStatusItem('orch-nb:status', {
        item: status,
        align: 'left',
        rank: RANK,
        isActive: () => status.isActive,
        activeStateChanged: model.changed
      });
    }

    let { side, strategy } = preferences;
    preferences.changed.connect(() => {
      if (preferences.side !== side) {
        side = preferences.side;
        sidebar.parent = null;
        place();
      }
      if (preferences.strategy !== strategy) {
        strategy = preferences.strategy;
        if (strategy) {
          model.broadcast({ type: 'set', strategy });
        }
      }
    });
  }
};

/** Call `attach` with each notebook, now or once it is opened. */
function watchPanels(tracker: INotebookTracker, attach: (panel: NotebookPanel) => void): void {
  const seen = new WeakSet<NotebookPanel>();
  const once = (panel: NotebookPanel) => {
    // the tracker lists a panel before it announces it
    if (!seen.has(panel)) {
      seen.add(panel);
      attach(panel);
    }
  };
  tracker.widgetAdded.connect((_, panel) => once(panel));
  tracker.forEach(once);
}

export default [plugin];
