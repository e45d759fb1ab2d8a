import * as React from 'react';

import { dollars, seconds } from '../figures';
import { IModelState } from '../messages';
import { visible } from '../visible';
import { IPart } from './part';

/** The models with their health, median seconds and spend, and whether they may be asked. */
export function Models({ state, send, trans }: IPart): React.JSX.Element {
  return (
    <>
      <table className="jp-OrchModels">
        <thead>
          <tr>
            <th>{trans.__('on')}</th>
            <th>{trans.__('model')}</th>
            <th>{trans.__('health')}</th>
            <th title={trans.__('median seconds of an answer')}>p50</th>
            <th>{trans.__('spend')}</th>
          </tr>
        </thead>
        <tbody>
          {state.models.map(model => (
            <Row
              key={model.id}
              model={model}
              label={trans.__('ask %1', visible(model.id))}
              onSwitch={on => send({ type: 'switch', name: model.id, on })}
            />
          ))}
        </tbody>
      </table>
      {state.models.length === 0 && <p className="jp-OrchQuiet">{trans.__('none was found')}</p>}
      {state.more_models > 0 && (
        <p className="jp-OrchQuiet">
          {trans._n('and %1 more: %orch models', 'and %1 more: %orch models', state.more_models)}
        </p>
      )}
    </>
  );
}

interface IRow {
  model: IModelState;
  label: string;
  onSwitch: (on: boolean) => void;
}

function Row({ model, label, onSwitch }: IRow): React.JSX.Element {
  return (
    <tr className={model.on ? '' : 'jp-mod-off'} data-model={model.id}>
      <td>
        <input
          type="checkbox"
          role="switch"
          aria-label={label}
          checked={model.on}
          onChange={event => onSwitch(event.target.checked)}
        />
      </td>
      <td className="jp-OrchName" title={visible(model.id)}>
        <bdi>{visible(model.id)}</bdi>
      </td>
      <td data-health={model.health}>{visible(model.health)}</td>
      <td className="jp-OrchNumber">{seconds(model.p50)}</td>
      <td className="jp-OrchNumber">{dollars(model.spend)}</td>
    </tr>
  );
}
