import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ingestFixture, tenantId } from "./ingest.fixture.ts";

let fixture: Awaited<ReturnType<typeof ingestFixture>>;
beforeAll(async () => {
  fixture = await ingestFixture();
});
afterAll(() => fixture.close());

/** Headers as the exchanges publish them; rows are made up in their form. Addresses: layouts.ts. */
const udiff =
  "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,StrkPric,OptnTp,FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,TtlTradgVol,TtlTrfVal,TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4";
const udiffRow = (source: string, id: number, symbol: string, series: string, close: number) =>
  `2024-07-10,2024-07-10,CM,${source},STK,${id},INE002A01018,${symbol},${series},,,,,NAME OF ${symbol},100.00,110.00,95.00,${close.toFixed(2)},${close.toFixed(2)},101.00,,${close.toFixed(2)},,,123456,12888000.00,4321,F1,1,,,,,`;

async function bar(instrumentId: string) {
  const { columns, length } = await fixture.series.dataset({
    tenantId,
    instrumentId,
    timeframe: "1d",
    adjustment: "raw",
  });
  return {
    bars: length,
    open: new Date(columns.openMs[0]!).toISOString(),
    close: new Date(columns.closeMs[0]!).toISOString(),
    ohlcv: [columns.open[0], columns.high[0], columns.low[0], columns.close[0], columns.volume[0]],
  };
}

describe("end-of-day files of Indian exchanges, by their header alone", () => {
  test("UDiFF of NSE: another series than a share's is another instrument, & is written _", async () => {
    const result = await fixture.runFile(
      "BhavCopy_NSE_CM_0_0_0_20240710_F_0000.csv",
      [
        udiff,
        udiffRow("NSE", 2885, "RELIANCE", "BL", 100),
        udiffRow("NSE", 2885, "RELIANCE", "EQ", 105),
        udiffRow("NSE", 2031, "M&M", "EQ", 106),
        "",
      ].join("\n"),
    );
    expect(result.instruments.map(({ instrumentId }) => instrumentId).toSorted()).toEqual([
      "M_M.XNSE",
      "RELIANCE-BL.XNSE",
      "RELIANCE.XNSE",
    ]);
    expect(result.quarantined).toBe(0);
    expect(result.mapping).toMatchObject({ calendar: "XNSE", timeframe: "1d" });
    expect(result.mapping!.guesses).toContainEqual({
      what: "layout",
      value: "bhavcopy, UDiFF",
      why: "its header",
    });
    // 09:15 to 15:30 in India.
    expect(await bar("RELIANCE.XNSE")).toEqual({
      bars: 1,
      open: "2024-07-10T03:45:00.000Z",
      close: "2024-07-10T10:00:00.000Z",
      ohlcv: [100, 110, 95, 105, 123_456],
    });
    const [instrument] = (await fixture.series.instruments(tenantId)).filter(
      (one) => one.instrumentId === "RELIANCE.XNSE",
    );
    expect(instrument).toMatchObject({ currency: "INR", calendar: "XNSE", assetClass: "equity" });
  });

  test("the same day in NSE's older layout is the same bar", async () => {
    const result = await fixture.runFile(
      "cm10JUL2024bhav.csv",
      [
        "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,",
        "RELIANCE,EQ,100,110,95,105,105,101,123456,12888000,10-JUL-2024,4321,INE002A01018,",
        "",
      ].join("\n"),
    );
    expect(result.instruments).toMatchObject([{ instrumentId: "RELIANCE.XNSE", inserted: 0, unchanged: 1 }]);
  });

  test("BSE by code, in both layouts; the older one has its date in the file's name", async () => {
    const older = await fixture.runFile(
      "EQ100724.CSV",
      [
        "SC_CODE,SC_NAME,SC_GROUP,SC_TYPE,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,NO_TRADES,NO_OF_SHRS,NET_TURNOV,TDCLOINDI",
        "500325,RELIANCE    ,A ,Q,100.00,110.00,95.00,105.00,105.00,101.00,4321,123456,12888000.00,",
        "",
      ].join("\n"),
    );
    expect(older.instruments).toMatchObject([{ instrumentId: "500325.XBOM", inserted: 1 }]);
    const newer = await fixture.runFile(
      "BhavCopy_BSE_CM_0_0_0_20240710_F_0000.CSV",
      [udiff, udiffRow("BSE", 500_325, "RELIANCE", "A", 105), ""].join("\n"),
    );
    expect(newer.instruments).toMatchObject([{ instrumentId: "500325.XBOM", inserted: 0, unchanged: 1 }]);
    expect(await bar("500325.XBOM")).toMatchObject({ bars: 1, open: "2024-07-10T03:45:00.000Z" });
  });
});
