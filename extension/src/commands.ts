import { JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette, InputDialog } from '@jupyterlab/apputils';
import { Cell } from '@jupyterlab/cells';
import { INotebookTracker, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';
import { TranslationBundle } from '@jupyterlab/translation';

import { replaceSource } from './editing';
import { getOption, readCell, setOption, toggle } from './lines';
import { IState } from './messages';
import { SessionModel } from './model';
import { COMMANDS, orchIcon } from './tokens';

const STRATEGY = ['--strategy', '-s'];
const MODEL = ['--model', '-m'];
const COMPARE = ['--compare'];
/** Chosen: as many columns as are read side by side. */
const COMPARED = 3;

interface IParts {
  app: JupyterFrontEnd;
  tracker: INotebookTracker;
  model: SessionModel;
  palette: ICommandPalette | null;
  trans: TranslationBundle;
  open: () => void;
}

/** A notebook and the code cell with the cursor, or null. */
interface IPlace {
  panel: NotebookPanel;
  cell: Cell;
}

/** Adds the commands; the schema puts them into menu, toolbar and shortcuts. */
export function addCommands(parts: IParts): void {
  const { app, tracker, model, palette, trans, open } = parts;
  const place = () => placeOf(tracker);
  const source = () => place()?.cell.model.sharedModel.getSource() ?? '';
  const isPrompt = () => ['%%orch', '%%orch_select'].includes(readCell(source())?.magic ?? '');
  const canPrompt = () => place() !== null && (isPrompt() || readCell(source()) === null);
  const isLinked = () => model.state !== null;

  const rows: [string, Row][] = [
    [COMMANDS.open, { label: trans.__('Show the Models of this Notebook'), run: open }],
    [
      COMMANDS.toggle,
      {
        label: trans.__('Turn Cell into a Prompt, or Back'),
        caption: trans.__('Put %1 above the cell, or take it away', '%%orch'),
        isEnabled: canPrompt,
        run: () => edit(place(), toggle)
      }
    ],
    [
      COMMANDS.strategy,
      {
        label: trans.__('Choose the Strategy of this Cell…'),
        isEnabled: canPrompt,
        run: () =>
          ask(place(), STRATEGY, model.state?.strategies ?? [], {
            title: trans.__('Strategy of this cell'),
            label: trans.__('Empty: that of the session'),
            okLabel: trans.__('Write')
          })
      }
    ],
    [
      COMMANDS.model,
      {
        label: trans.__('Choose the Model of this Cell…'),
        isEnabled: canPrompt,
        run: () =>
          ask(place(), MODEL, model.state?.models.map(({ id }) => id) ?? [], {
            title: trans.__('Model of this cell'),
            label: trans.__('Empty: the strategy chooses'),
            okLabel: trans.__('Write')
          })
      }
    ],
    [
      COMMANDS.compare,
      {
        label: trans.__('Run Cell with Several Models, Side by Side'),
        isEnabled: canPrompt,
        run: () => compare(place(), model.state)
      }
    ],
    [
      COMMANDS.costs,
      {
        label: trans.__('Show Costs below this Cell'),
        isEnabled: () => tracker.currentWidget !== null,
        run: () => showCosts(tracker.currentWidget)
      }
    ],
    [
      COMMANDS.refresh,
      {
        label: trans.__('Look for Models Again'),
        isEnabled: isLinked,
        run: () => model.send({ type: 'refresh' })
      }
    ],
    [
      COMMANDS.stop,
      {
        label: trans.__('Stop All Calls to Models'),
        isEnabled: () => (model.state?.busy.length ?? 0) > 0,
        run: () => model.send({ type: 'stop' })
      }
    ]
  ];
  for (const [id, { label, caption, isEnabled, run }] of rows) {
    app.commands.addCommand(id, {
      label,
      caption: caption ?? label,
      icon: id === COMMANDS.toggle || id === COMMANDS.open ? orchIcon : undefined,
      isEnabled,
      execute: run,
      describedBy: { args: null }
    });
    palette?.addItem({ command: id, category: trans.__('Language Models') });
  }
  const notify = () => app.commands.notifyCommandChanged();
  model.changed.connect(throttled(notify));
  tracker.activeCellChanged.connect(notify);
}

interface Row {
  label: string;
  caption?: string;
  isEnabled?: () => boolean;
  run: () => unknown;
}

/** Menus and toolbars are asked once a frame, however often the state changes. */
function throttled(notify: () => void): () => void {
  let asked = 0;
  return () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      notify();
    });
  };
}

function placeOf(tracker: INotebookTracker): IPlace | null {
  const { activeCell: cell, currentWidget: panel } = tracker;
  return panel && cell?.model.type === 'code' ? { panel, cell } : null;
}

function edit(place: IPlace | null, change: (source: string) => string): void {
  if (place) {
    replaceSource(place.cell.model.sharedModel, change(place.cell.model.sharedModel.getSource()));
  }
}

/** Ask for an option's value, and write it into the cell's first line. */
async function ask(
  place: IPlace | null,
  flags: readonly string[],
  items: string[],
  dialog: { title: string; label: string; okLabel: string }
): Promise<void> {
  if (!place) {
    return;
  }
  const current = getOption(place.cell.model.sharedModel.getSource(), flags) ?? '';
  const answer = items.length
    ? await InputDialog.getItem({ ...dialog, items, current, editable: true })
    : await InputDialog.getText({ ...dialog, text: current });
  if (answer.button.accept && !place.cell.isDisposed) {
    const value = answer.value?.trim() || null;
    edit(place, source => setOption(source, flags, value));
  }
}

async function compare(place: IPlace | null, state: IState | null): Promise<void> {
  if (!place) {
    return;
  }
  // of fewer models the kernel would refuse to make so many columns
  const columns = Math.min(COMPARED, state?.models.filter(({ on }) => on).length ?? COMPARED);
  edit(place, source =>
    getOption(source, COMPARE) === null
      ? setOption(setOption(source, MODEL, null), COMPARE, String(Math.max(columns, 2)))
      : source
  );
  await NotebookActions.run(place.panel.content, place.panel.sessionContext);
}

async function showCosts(panel: NotebookPanel | null): Promise<void> {
  if (panel) {
    NotebookActions.insertBelow(panel.content);
    panel.content.activeCell?.model.sharedModel.setSource('%orch costs');
    await NotebookActions.run(panel.content, panel.sessionContext);
  }
}
