import { useId, useState } from "react";
import { FormulaInput } from "./formula-input.tsx";
import { InstrumentInput } from "./instrument-input.tsx";
import { TokenList } from "./token-list.tsx";

/** The part of JSON Schema that contracts produce. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  $ref?: string;
  $defs?: Record<string, Schema>;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  format?: string;
  examples?: unknown[];
  additionalProperties?: boolean | Schema;
}

interface FormProps {
  schema: Schema;
  root: Schema;
  value: unknown;
  onChange: (value: unknown) => void;
  name: string;
  required?: boolean;
  top?: boolean;
  /** How members are called for people; default: as the contract has them. */
  wordsOf?: (name: string) => string;
}

/** The schema itself, where it only refers to one of the root's definitions. */
export function resolve(schema: Schema, root: Schema): Schema {
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace("#/$defs/", "")];
    return target === undefined ? {} : resolve({ ...target, ...withoutRef(schema) }, root);
  }
  return schema.allOf?.length === 1 ? resolve({ ...schema.allOf[0]!, ...withoutAll(schema) }, root) : schema;
}

function withoutRef({ $ref: _, ...rest }: Schema): Schema {
  return rest;
}

function withoutAll({ allOf: _, ...rest }: Schema): Schema {
  return rest;
}

function typeOf(schema: Schema): string {
  if (Array.isArray(schema.type)) return schema.type.find((one) => one !== "null") ?? "string";
  return schema.type ?? (schema.properties === undefined ? "any" : "object");
}

/** What the schema asks at least: defaults, constants, the first choice, and empty required members. */
export function initialValue(given: Schema, root: Schema): unknown {
  const schema = resolve(given, root);
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants?.[0] !== undefined) return initialValue(variants[0], root);
  if (typeOf(schema) !== "object") return undefined;
  const members = Object.entries(schema.properties ?? {})
    .filter(([name]) => schema.required?.includes(name))
    .map(([name, member]) => [name, initialValue(member, root)] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** Without members that were left empty. */
export function prune(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(prune).filter((item) => item !== undefined);
  if (typeof value !== "object" || value === null) return value === "" ? undefined : value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name, prune(member)] as const)
      .filter(([, member]) => member !== undefined),
  );
}

export function SchemaForm(props: FormProps) {
  const schema = resolve(props.schema, props.root);
  if (schema.format === "instant") return <Instant {...props} schema={schema} />;
  const variants = (schema.oneOf ?? schema.anyOf)
    ?.map((one) => resolve(one, props.root))
    .filter((one) => one.type !== "null");
  if (variants !== undefined && variants.length > 0) {
    if (variants.length === 1) return <SchemaForm {...props} schema={variants[0]!} />;
    if (variants.every((one) => typeOf(one) === "object")) return <Variants {...props} variants={variants} />;
    return (
      <Scalar
        {...props}
        schema={{ ...schema, examples: schema.examples ?? variants[0]!.examples ?? [] }}
        loose
      />
    );
  }
  const type = typeOf(schema);
  if (type === "object" && schema.properties !== undefined)
    return <ObjectFields {...props} schema={schema} />;
  if (type === "array" && isText(schema.items, props.root)) return <TextList {...props} schema={schema} />;
  if (type === "array" && isTable(schema.items, props.root)) return <Rows {...props} schema={schema} />;
  if (type === "object" || type === "array" || type === "any") return <RawJson {...props} schema={schema} />;
  return <Scalar {...props} schema={schema} />;
}

/** A value in a field: text as it is, anything else as JSON. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isText(items: Schema | undefined, root: Schema): boolean {
  return items !== undefined && typeOf(resolve(items, root)) === "string";
}

function Label({
  id,
  name,
  required,
  schema,
}: {
  id: string;
  name: string;
  required?: boolean | undefined;
  schema: Schema;
}) {
  return (
    <>
      <label className="label" htmlFor={id}>
        {name}
        {required === true ? " *" : ""}
      </label>
      {schema.description === undefined ? null : <div className="hint">{schema.description}</div>}
    </>
  );
}

function ObjectFields({ schema, root, value, onChange, name, top, wordsOf }: FormProps) {
  const members = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const fields = Object.entries(schema.properties ?? {}).filter(
    ([, member]) => resolve(member, root).const === undefined,
  );
  const body = fields.map(([key, member]) => (
    <SchemaForm
      key={key}
      schema={member}
      root={root}
      name={wordsOf?.(key) ?? key}
      {...(wordsOf === undefined ? {} : { wordsOf })}
      required={schema.required?.includes(key) === true && resolve(member, root).default === undefined}
      value={members[key]}
      onChange={(next) => onChange({ ...members, [key]: next })}
    />
  ));
  if (top === true) return <div className="fields">{body}</div>;
  return (
    <fieldset>
      <legend>{name}</legend>
      <div className="fields">{body}</div>
    </fieldset>
  );
}

/** Which of several shapes: told apart by a constant member such as `kind`. */
/** The form that has most of the members; `picked` among equals. */
function nearestForm(variants: readonly Schema[], value: object, picked: number): number {
  const known = (one: Schema) => Object.keys(value).filter((name) => one.properties?.[name]).length;
  return variants.reduce((best, one, i) => (known(one) > known(variants[best]!) ? i : best), picked);
}

function Variants({ variants, ...props }: FormProps & { variants: Schema[] }) {
  const id = useId();
  const tag = Object.entries(variants[0]!.properties ?? {}).find(
    ([, member]) => resolve(member, props.root).const !== undefined,
  )?.[0];
  const labelOf = (one: Schema, i: number) =>
    shown((tag === undefined ? undefined : one.properties?.[tag]?.const) ?? one.title ?? `form ${i + 1}`);
  const current = (props.value ?? {}) as Record<string, unknown>;
  const [picked, setPicked] = useState(0);
  const at =
    tag === undefined
      ? nearestForm(variants, current, picked)
      : Math.max(
          0,
          variants.findIndex((one, i) => current[tag] === labelOf(one, i)),
        );
  const chosen = variants[at]!;
  return (
    <fieldset>
      <legend>{props.name}</legend>
      <div className="field">
        <label className="label" htmlFor={id}>
          {tag === undefined ? "form" : (props.wordsOf?.(tag) ?? tag)}
        </label>
        <select
          id={id}
          value={at}
          onChange={(event) => {
            setPicked(Number(event.target.value));
            props.onChange(initialValue(variants[Number(event.target.value)]!, props.root));
          }}
        >
          {variants.map((one, i) => (
            <option key={labelOf(one, i)} value={i}>
              {labelOf(one, i)}
            </option>
          ))}
        </select>
      </div>
      <ObjectFields
        {...props}
        schema={chosen}
        top
        onChange={(next) =>
          props.onChange(
            tag === undefined ? next : { [tag]: chosen.properties?.[tag]?.const, ...(next as object) },
          )
        }
      />
    </fieldset>
  );
}

function Scalar({ schema, value, onChange, name, required, loose }: FormProps & { loose?: boolean }) {
  const id = useId();
  const type = typeOf(schema);
  if (schema.enum !== undefined) {
    return (
      <div className="field">
        <Label id={id} name={name} required={required} schema={schema} />
        <select
          id={id}
          value={shown(value ?? schema.default)}
          onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
        >
          {schema.default === undefined ? <option value="">–</option> : null}
          {schema.enum.map((one) => (
            <option key={String(one)} value={String(one)}>
              {String(one)}
            </option>
          ))}
        </select>
      </div>
    );
  }
  if (type === "boolean") {
    return (
      <div className="field">
        <label>
          <input
            type="checkbox"
            checked={value === true}
            onChange={(event) => onChange(event.target.checked)}
          />{" "}
          {name}
        </label>
        {schema.description === undefined ? null : <div className="hint">{schema.description}</div>}
      </div>
    );
  }
  const numeric = type === "number" || type === "integer";
  if (schema.format === "instrument" || schema.format === "formula") {
    const Input = schema.format === "instrument" ? InstrumentInput : FormulaInput;
    return (
      <div className="field">
        <Label id={id} name={name} required={required} schema={{}} />
        <Input
          inputId={id}
          value={shown(value)}
          onChange={(text) => onChange(text === "" ? undefined : text)}
        />
      </div>
    );
  }
  const long = type === "string" && (schema.maxLength ?? 0) >= 1_000;
  const placeholder = shown(schema.default ?? schema.examples?.[0]);
  const change = (text: string) => {
    if (text === "") onChange(undefined);
    else if (numeric) onChange(Number(text));
    else onChange(loose === true && /^-?\d+$/.test(text) ? Number(text) : text);
  };
  return (
    <div className={long ? "field wide" : "field"}>
      <Label id={id} name={name} required={required} schema={schema} />
      {long ? (
        <textarea
          id={id}
          rows={2}
          value={shown(value)}
          placeholder={placeholder}
          onChange={(event) => change(event.target.value)}
        />
      ) : (
        <input
          id={id}
          type={numeric ? "number" : "text"}
          step={type === "integer" ? 1 : "any"}
          min={schema.minimum}
          max={schema.maximum}
          value={shown(value)}
          placeholder={placeholder}
          onChange={(event) => change(event.target.value)}
        />
      )}
    </div>
  );
}

/** A time, typed as a date or RFC 3339. */
function Instant({ schema, value, onChange, name, required }: FormProps) {
  const id = useId();
  const text =
    typeof value === "number" ? new Date(value).toISOString().replace("T00:00:00.000Z", "") : shown(value);
  return (
    <div className="field">
      <Label id={id} name={name} required={required} schema={{}} />
      <input
        id={id}
        title={schema.description}
        placeholder="2020-01-31"
        value={text}
        onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
      />
    </div>
  );
}

function TextList({ schema, root, value, onChange, name, required }: FormProps) {
  const id = useId();
  const lines = Array.isArray(value) ? value.map(String) : [];
  const { format } = resolve(schema.items!, root);
  if (format === "instrument" || format === "formula") {
    return (
      <div className="field wide">
        <Label id={id} name={name} required={required} schema={schema} />
        <TokenList
          of={format}
          inputId={id}
          values={lines}
          onChange={(next) => onChange(next.length === 0 ? undefined : next)}
        />
      </div>
    );
  }
  return (
    <div className="field wide">
      <Label id={id} name={`${name} (one a line)`} required={required} schema={schema} />
      <textarea
        id={id}
        rows={Math.max(3, lines.length + 1)}
        value={lines.join("\n")}
        onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value.split("\n"))}
        onBlur={() =>
          onChange(
            lines.some((line) => line.trim() !== "") ? lines.filter((line) => line.trim() !== "") : undefined,
          )
        }
      />
    </div>
  );
}

/** Objects of scalars alone: a table to fill in. */
function isTable(items: Schema | undefined, root: Schema): boolean {
  const row = items === undefined ? {} : resolve(items, root);
  const members = Object.values(row.properties ?? {});
  return (
    members.length > 0 &&
    members.every((one) => !["object", "array", "any"].includes(typeOf(resolve(one, root))))
  );
}

function Rows({ schema, root, value, onChange, name, required, wordsOf }: FormProps) {
  const rows = Array.isArray(value) ? (value as unknown[]) : [];
  const row = resolve(schema.items!, root);
  return (
    <fieldset className="wide">
      <legend>
        {name}
        {required === true ? " *" : ""}
      </legend>
      {schema.description === undefined ? null : <div className="hint">{schema.description}</div>}
      {rows.map((one, i) => (
        <div key={i} className="row rows">
          <ObjectFields
            schema={row}
            root={root}
            name={`${name} ${i + 1}`}
            value={one}
            onChange={(next) => onChange(rows.with(i, next))}
            {...(wordsOf === undefined ? {} : { wordsOf })}
            top
          />
          <button
            type="button"
            aria-label={`Remove ${name} ${i + 1}`}
            onClick={() => onChange(rows.length === 1 ? undefined : rows.toSpliced(i, 1))}
          >
            ✕
          </button>
        </div>
      ))}
      <button type="button" onClick={() => onChange([...rows, initialValue(row, root)])}>
        Add
      </button>
    </fieldset>
  );
}

function RawJson({ schema, value, onChange, name, required }: FormProps) {
  const id = useId();
  const text = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value, null, 2);
  return (
    <div className="field wide">
      <Label id={id} name={`${name} (JSON)`} required={required} schema={schema} />
      <textarea
        id={id}
        className="mono"
        defaultValue={text}
        onBlur={(event) => {
          const typed = event.target.value.trim();
          try {
            onChange(typed === "" ? undefined : JSON.parse(typed));
            event.target.setCustomValidity("");
          } catch (error) {
            event.target.setCustomValidity((error as Error).message);
            event.target.reportValidity();
          }
        }}
      />
    </div>
  );
}
