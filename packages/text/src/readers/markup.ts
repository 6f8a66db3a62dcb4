import { DomHandler, Parser } from "htmlparser2";
import type { parseDocument } from "htmlparser2";
import { UnreadableError } from "./document.ts";

export type MarkupRoot = ReturnType<typeof parseDocument>;
export type MarkupNode = MarkupRoot["children"][number];
export type MarkupElement = Extract<MarkupNode, { attribs: unknown }>;
export type MarkupParent = MarkupRoot | Extract<MarkupNode, { children: unknown }>;

export const isElement = (node: MarkupNode): node is MarkupElement => "attribs" in node;

/** Pages and feeds nest a few dozen deep; closing tags are looked for through all that are open. */
const deepest = 5_000;

class BoundedHandler extends DomHandler {
  override onopentag(name: string, attribs: Record<string, string>): void {
    super.onopentag(name, attribs);
    if (this.tagStack.length > deepest) {
      throw new UnreadableError("damaged", `Its tags nest deeper than ${deepest}: it is damaged.`);
    }
  }
}

/** The tree of HTML or, with `xml`, of XML, however broken. Throws UnreadableError for tags nested without end. */
export function parseMarkup(text: string, xml = false): MarkupRoot {
  const handler = new BoundedHandler();
  new Parser(handler, { xmlMode: xml }).end(text);
  return handler.root;
}
