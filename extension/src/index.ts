import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { Highlight } from './highlight';

const PLUGIN = '@orch/nb:plugin';

/** The user's settings, or null (then the defaults hold) where there are none to read. */
async function loadSettings(
  registry: ISettingRegistry | null
): Promise<ISettingRegistry.ISettings | null> {
  try {
    return (await registry?.load(PLUGIN)) ?? null;
  } catch (error) {
    console.warn(`${PLUGIN}: settings cannot be read, defaults are used`, error);
    return null;
  }
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'Highlights prompt cells as Markdown.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ISettingRegistry],
  activate: async (
    _app: JupyterFrontEnd,
    tracker: INotebookTracker,
    registry: ISettingRegistry | null
  ) => {
    const settings = await loadSettings(registry);
    const seen = new WeakSet<NotebookPanel>();
    const attach = (panel: NotebookPanel) => {
      // the tracker lists a panel before it announces it
      if (!seen.has(panel)) {
        seen.add(panel);
        new Highlight(panel.content, settings);
      }
    };
    tracker.widgetAdded.connect((_, panel) => attach(panel));
    tracker.forEach(attach);
  }
};

export default [plugin];
