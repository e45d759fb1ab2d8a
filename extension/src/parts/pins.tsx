import * as React from 'react';

import { visible } from '../visible';
import { IPart } from './part';

/** Which model is the expert of each tool, out of those that fit what is typed into the filter. */
export function Pins({ state, send, trans }: IPart): React.JSX.Element {
  const [filter, setFilter] = React.useState('');
  const wanted = filter.trim().toLowerCase();
  const offered = state.models
    .map(model => model.id)
    .filter(id => id.toLowerCase().includes(wanted));
  if (state.tools.length === 0) {
    return <p className="jp-OrchQuiet">{trans.__('no tools are known')}</p>;
  }
  return (
    <>
      <input
        type="search"
        className="jp-mod-styled jp-OrchFilter"
        placeholder={trans.__('only models with …')}
        aria-label={trans.__('filter the models on offer')}
        value={filter}
        onChange={event => setFilter(event.target.value)}
      />
      {state.tools.map(({ name, model }) => (
        <label key={name} className="jp-OrchRow" data-tool={name}>
          <span>
            <bdi>{visible(name)}</bdi>
          </span>
          <select
            className="jp-mod-styled"
            value={model ?? ''}
            onChange={event => send({ type: 'pin', tool: name, model: event.target.value || null })}
          >
            <option value="">{trans.__('no expert')}</option>
            {(model === null || offered.includes(model) ? offered : [model, ...offered]).map(id => (
              <option key={id} value={id}>
                {visible(id)}
              </option>
            ))}
          </select>
        </label>
      ))}
    </>
  );
}
