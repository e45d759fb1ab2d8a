import { Extension } from '@codemirror/state';
import {
  Decoration,
  DecorationSet,
  EditorView,
  MatchDecorator,
  ViewPlugin,
  ViewUpdate
} from '@codemirror/view';

import { readCell } from './lines';

const MARKS = new MatchDecorator({
  regexp: /\{\{[^{}\n]*(?:\{[^{}\n]*\}[^{}\n]*)*\}\}/g,
  decoration: Decoration.mark({ class: 'jp-OrchPlaceholder' })
});

/** Shows each `{{ expression }}` of a prompt cell as what it is: a hole that will be filled. */
export function placeholders(isOn: () => boolean): Extension {
  return ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;

      constructor(view: EditorView) {
        this.decorations = this.mark(view);
      }

      update(update: ViewUpdate): void {
        if (update.docChanged || update.viewportChanged) {
          this.decorations = this.mark(update.view);
        }
      }

      private mark(view: EditorView): DecorationSet {
        // the magic stands in the first line; the rest may be long
        const head = view.state.sliceDoc(0, 200);
        return isOn() && readCell(head) ? MARKS.createDeco(view) : Decoration.none;
      }
    },
    { decorations: plugin => plugin.decorations }
  );
}
