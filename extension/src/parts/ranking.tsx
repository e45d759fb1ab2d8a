import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { dollars, seconds } from '../figures';
import { IRanking } from '../messages';
import { visible } from '../visible';

interface IRankingPart {
  ranking: IRanking | null;
  trans: TranslationBundle;
}

/** Who would be asked the prompt with the cursor in it, and who would not. */
export function Ranking({ ranking, trans }: IRankingPart): React.JSX.Element {
  if (ranking === null) {
    return (
      <p className="jp-OrchQuiet">
        {trans.__('Put the cursor into a %1 cell: its prompt is ranked while you type.', '%%orch')}
      </p>
    );
  }
  if (ranking.error) {
    return <p className="jp-OrchError">{visible(ranking.error)}</p>;
  }
  return (
    <>
      <p className="jp-OrchQuiet">{trans.__('a prompt of the kind %1', visible(ranking.kind))}</p>
      <ol className="jp-OrchRanking">
        {ranking.rows.map((row, at) => (
          // by its place: Chromium does not renumber what moves up
          <li key={at} title={visible(row.reason)}>
            <bdi className="jp-OrchName">{visible(row.model)}</bdi>
            <div className="jp-OrchQuiet">
              {[row.score?.toFixed(2) ?? '—', dollars(row.cost), seconds(row.seconds)].join(' · ')}
            </div>
          </li>
        ))}
      </ol>
      {ranking.rejected.length > 0 && (
        <details>
          <summary>{trans.__('%1 out', ranking.rejected.length)}</summary>
          <ul>
            {ranking.rejected.map(({ model, reason }) => (
              <li key={model}>
                <bdi>{visible(model)}</bdi>: {visible(reason)}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
