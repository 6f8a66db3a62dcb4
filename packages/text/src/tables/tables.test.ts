import { describe, expect, test } from "vitest";
import { answerFromTable } from "./answer.ts";
import { readCell, readGrid } from "./grid.ts";

/** An invented company's table, in the layout of reports. */
const sales = [
  ["", "", "Years ended June 30,", ""],
  ["(in millions)", "2022", "2021", "2020"],
  ["Sales by product:", "", "", ""],
  ["Widgets", "$ 900.0", "$ 700.0", "$ 600.0"],
  ["Gears (1)", "300.0", "300.0", "—"],
  ["Other", "50.0", "40.0", "30.0"],
  ["Total sales", "$ 1,250.0", "$ 1,040.0", "$ 630.0"],
  ["Gross margin", "40.0%", "38.0%", "35.0%"],
  ["Selling expenses", "(120.0)", "(80.0)", "(70.0)"],
];
const paragraphs = [
  "Sales of widgets rose in 2022 primarily due to higher prices. The plan was adopted on March 3, 2021.",
  "Selling expenses include wages, rent and freight. Research cost $12.5 million and $11.0 million in 2022 and 2021, respectively.",
];

describe("cells", () => {
  test.each([
    ["$  1,452.4", 1452.4, false],
    ["(2,088)", -2088, false],
    ["$(53)", -53, false],
    ["—", 0, false],
    ["(9.4%)", -9.4, true],
    ["86.8", 86.8, false],
    ["N/A", null, false],
    ["2 to 5 years", null, false],
    ["", null, false],
  ])("%j is %j", (text, value, percent) => expect(readCell(text)).toMatchObject({ value, percent }));
});

describe("grids", () => {
  test("headings, sections and labels", () => {
    const grid = readGrid(sales);
    expect(grid.columns).toEqual([
      "Years ended June 30, 2022",
      "Years ended June 30, 2021",
      "Years ended June 30, 2020",
    ]);
    expect(grid.rows[0]).toMatchObject({ label: "Widgets", under: "Sales by product:" });
    expect(grid.rows).toHaveLength(6);
    expect(grid.caption).toContain("in millions");
  });

  test("years as rows become columns, and short years are written out", () => {
    const grid = readGrid([
      ["", "High", "Low"],
      ["2022", "9.5", "4.5"],
      ["2021", "8.5", "3.5"],
    ]);
    expect(grid.columns).toEqual(["2022", "2021"]);
    expect(grid.rows.map(({ label }) => label)).toEqual(["High", "Low"]);
    expect(
      readGrid([
        ["", "FY22", "F21"],
        ["Sales", "5", "4"],
      ]).columns,
    ).toEqual(["FY2022", "F2021"]);
  });

  test.each([
    [[]],
    [[[]]],
    [
      [
        ["", ""],
        ["", ""],
      ],
    ],
  ])("nothing in %j", (table) => expect(readGrid(table).rows).toEqual([]));
});

// Worked out by hand from the table above.
test.each([
  ["What were the total sales in 2021?", ["$ 1,040.0"], "million", ""],
  ["What were the sales of widgets in 2022 and 2021 respectively?", ["$ 900.0", "$ 700.0"], "million", ""],
  ["What was the gross margin in 2020?", ["35.0%"], "percent", ""],
  ["What was the change in widgets from 2021 to 2022?", ["200"], "million", "$ 900.0 - $ 700.0"],
  [
    "What was the percentage change in total sales between 2021 and 2022?",
    ["20.19"],
    "percent",
    "($ 1,250.0 - $ 1,040.0) / $ 1,040.0",
  ],
  [
    "What was the change in the percentage of gross margin from 2020 to 2022?",
    ["5"],
    "percent",
    "40.0% - 35.0%",
  ],
  ["What was the average of Other from 2020 to 2022?", ["40"], "million", "(50.0 + 40.0 + 30.0) / 3"],
  ["What was the average selling expenses for 2021 and 2022?", ["100"], "million", "((80.0) + (120.0)) / 2"],
  ["What is the sum of widgets and gears in 2022?", ["1200"], "million", "$ 900.0 + 300.0"],
  ["What is the ratio of widgets to gears in 2022?", ["3"], "", "$ 900.0 / 300.0"],
  ["What is widgets as a percentage of total sales in 2022?", ["72"], "percent", "$ 900.0 / $ 1,250.0"],
  ["What is the difference between widgets and gears in 2022?", ["600"], "million", "$ 900.0 - 300.0"],
  ["What is the difference in gears between 2020 and 2021?", ["300"], "million", "300.0 - —"],
  ["In which year were widgets the highest?", ["2022"], "", ""],
  ["In which year was Other lower?", ["2020"], "", ""],
  ["How many years did total sales exceed $1,000 million?", ["2"], "", "2022, 2021"],
  ["Which years does the table provide information for?", ["2022", "2021", "2020"], "", ""],
  ["Why did sales of widgets rise in 2022?", ["primarily due to higher prices"], "", ""],
  ["When was the plan adopted?", ["March 3, 2021"], "", ""],
  ["What do selling expenses include?", ["wages, rent and freight"], "", ""],
  ["How much did research cost in 2021?", ["$11.0 million"], "", ""],
])("%s", (question, answers, scale, derivation) => {
  expect(answerFromTable(question, sales, paragraphs)).toEqual({ answers, scale, derivation });
});

test.each([
  ["What is the ratio of widgets to gears in 2020?", "a division by nothing"],
  ["What is the colour of the sky?", "words that neither holds"],
])("%s has no computed answer: %s", (question) => {
  const answer = answerFromTable(question, sales, []);
  expect(answer).toBeUndefined();
});
