import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { SessionModel } from './model';
import { Calls } from './parts/calls';
import { Choosing } from './parts/choosing';
import { Models } from './parts/models';
import { Pins } from './parts/pins';
import { Ranking } from './parts/ranking';
import { Spend } from './parts/spend';
import { revealCell } from './reveal';
import { orchIcon } from './tokens';
import { visible } from './visible';

/** The session of the notebook in front, at the edge of the screen. */
export class Sidebar extends ReactWidget {
  constructor(
    private readonly model: SessionModel,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = 'orch-nb-sidebar';
    this.title.icon = orchIcon;
    this.title.caption = trans.__('Models: spend, choice, calls');
    this.title.label = '';
    this.addClass('jp-OrchSidebar');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Language models of this notebook'));
  }

  protected render(): React.JSX.Element {
    return (
      <UseSignal signal={this.model.changed}>
        {() => <Content model={this.model} trans={this.trans} />}
      </UseSignal>
    );
  }
}

interface IContent {
  model: SessionModel;
  trans: TranslationBundle;
}

function Content({ model, trans }: IContent): React.JSX.Element {
  const { state } = model;
  if (state === null) {
    return <Absent model={model} trans={trans} />;
  }
  const part = { state, trans, send: model.send.bind(model) };
  const busy = state.busy.length > 0;
  return (
    <>
      <header className="jp-OrchRow">
        <span className="jp-OrchBusy" role="status">
          {busy
            ? trans.__('asking %1', state.busy.map(({ model }) => visible(model)).join(', '))
            : trans.__('idle')}
          {state.mode !== 'live' && ` · ${visible(state.mode)}`}
        </span>
        <button
          className="jp-mod-styled jp-mod-warn jp-OrchStop"
          disabled={!busy}
          onClick={() => model.send({ type: 'stop' })}
        >
          {trans.__('Stop')}
        </button>
      </header>
      <div role="alert">
        {model.error && <p className="jp-OrchError">{visible(model.error)}</p>}
      </div>
      <Section name="spend" title={trans.__('Spend')}>
        <Spend {...part} />
      </Section>
      <Section name="choice" title={trans.__('Choice')}>
        <Choosing {...part} />
      </Section>
      <Section name="ranking" title={trans.__('This prompt')}>
        <Ranking ranking={model.ranking} trans={trans} />
      </Section>
      <Section name="calls" title={trans.__('Last calls')}>
        <Calls {...part} reveal={cell => void revealCell(model.panel, cell)} />
      </Section>
      <Section name="models" title={trans.__('Models')}>
        <Models {...part} />
      </Section>
      <Section name="pins" title={trans.__('Experts')}>
        <Pins {...part} />
      </Section>
    </>
  );
}

interface ISection {
  name: string;
  title: string;
  children: React.ReactNode;
}

function Section({ name, title, children }: ISection): React.JSX.Element {
  return (
    <details className="jp-OrchSection" data-section={name} open>
      <summary>
        <h2>{title}</h2>
      </summary>
      {children}
    </details>
  );
}

/** Why there is nothing to see, and what to do about it. */
function Absent({ model, trans }: IContent): React.JSX.Element {
  switch (model.phase) {
    case 'waiting':
      return (
        <section className="jp-OrchAbsent">
          <p>{trans.__('This kernel has not loaded the package. In a cell:')}</p>
          <pre>%load_ext orch_nb</pre>
          <p>{trans.__('Where it is not installed yet, first:')}</p>
          <pre>%pip install orch-nb</pre>
        </section>
      );
    case 'foreign':
      return (
        <section className="jp-OrchAbsent">
          <p>
            {trans.__(
              'The package in the kernel and this page are of different versions: install one ' +
                'version for both, restart the kernel, and reload the page.'
            )}
          </p>
        </section>
      );
    default:
      return (
        <section className="jp-OrchAbsent">
          <p>{trans.__('Open a notebook with a kernel to see its language models here.')}</p>
        </section>
      );
  }
}
