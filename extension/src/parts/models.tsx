import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { dollars, seconds } from '../figures';
import { IModelState } from '../messages';
import { visible } from '../visible';
import { IPart } from './part';

/** The models with their health, median seconds and spend, and whether they may be asked. */
export function Models({ state, send, trans }: IPart): React.JSX.Element {
  return (
    <>
      <ul className="jp-OrchModels">
        {state.models.map(model => (
          <Row
            key={model.id}
            model={model}
            trans={trans}
            onSwitch={on => send({ type: 'switch', name: model.id, on })}
          />
        ))}
      </ul>
      {state.models.length === 0 && <p className="jp-OrchQuiet">{trans.__('none was found')}</p>}
      {state.more_models > 0 && (
        <p className="jp-OrchQuiet">
          {trans.__('and %1 more, see %2', state.more_models, '%orch models')}
        </p>
      )}
    </>
  );
}

interface IRow {
  model: IModelState;
  trans: TranslationBundle;
  onSwitch: (on: boolean) => void;
}

function Row({ model, trans, onSwitch }: IRow): React.JSX.Element {
  const facts = [
    visible(model.health),
    ...(model.p50 === null ? [] : [trans.__('p50 %1', seconds(model.p50))]),
    ...(model.calls ? [trans._n('%1 call', '%1 calls', model.calls), dollars(model.spend)] : [])
  ];
  return (
    <li className={model.on ? '' : 'jp-mod-off'} data-model={model.id}>
      <label>
        <input
          type="checkbox"
          role="switch"
          title={trans.__('may be asked')}
          checked={model.on}
          onChange={event => onSwitch(event.target.checked)}
        />
        <bdi className="jp-OrchName">{visible(model.id)}</bdi>
      </label>
      <div className="jp-OrchQuiet">{facts.join(' · ')}</div>
    </li>
  );
}
