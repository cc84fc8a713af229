extension HTMLReport {
    /// One column of panels; the wide drawings but on a phone; black on white paper.
    static let style = """
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:1040px;padding:1.2rem 1rem 2rem;background:var(--paper);color:var(--ink);\
        font:1rem/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
        h1{font-size:1.6rem;line-height:1.2;letter-spacing:-.01em;margin:0 0 .3rem}
        section h2{font-size:1.15rem;margin:0 0 .4rem}
        h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
        p{margin:.2rem 0}
        header p,.note,.lead,footer{color:var(--soft)}
        .lead{margin:0 0 .8rem;max-width:46rem}
        section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.1rem 1.25rem 1.2rem;\
        margin-top:1.1rem}
        .warn{border:1px solid var(--wait);border-left-width:6px;border-radius:8px;background:var(--card);\
        padding:.5rem .9rem;margin-top:1rem}
        .cards{display:grid;grid-template-columns:repeat(4,1fr);gap:.8rem;margin-top:1.2rem}
        .card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem .9rem}
        .card h2{font-size:.9rem;font-weight:500;color:var(--soft);margin:0}
        .value{font-size:1.45rem;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums;margin:.1rem 0 .2rem}
        .first .value{font-size:1.9rem}
        .card .note{font-size:.84rem;line-height:1.35}
        .verdict{font-weight:600;font-size:.9rem}
        .verdict.good{color:var(--good)}.verdict.bad{color:var(--bad)}
        .meter{position:relative;height:8px;border-radius:4px;background:var(--idle);margin:.35rem 0 .5rem}
        .meter i{display:block;height:100%;border-radius:4px}.meter i.good{background:var(--good)}\
        .meter i.bad{background:var(--bad)}
        .meter b{position:absolute;top:-3px;width:2px;height:14px;background:var(--ink)}
        svg{width:100%;height:auto;display:block;font-size:12.5px;font-variant-numeric:tabular-nums}
        .narrow{display:none}.narrow svg{font-size:12px}
        .legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;margin:.5rem 0 0;padding:0;\
        font-size:.88rem;color:var(--soft)}
        .legend i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.45em}
        table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
        th{font-weight:400;text-align:left}td{text-align:right;white-space:nowrap}
        td,th{padding:.24rem .5rem;border-bottom:1px solid var(--line);vertical-align:baseline}
        thead th{font-weight:600;color:var(--soft);font-size:.85rem;text-align:right}
        thead th:first-child{text-align:left}
        td:first-child,th:first-child{padding-left:0}td:last-child,th:last-child{padding-right:0}
        tr:last-child>*{border-bottom:0}
        .bars tbody th{width:24%;overflow-wrap:anywhere}td.bar{width:46%;text-align:left}
        .bars thead th:nth-child(2){text-align:left}
        .bar i{display:inline-block;height:.8em;border-radius:2px;background:var(--hold)}
        td.bar .wide{display:inline-block;width:calc(100% - 6em);margin-right:.6em}td.bar i{vertical-align:-.05em}
        .narrow.bar i{display:block;height:6px;margin-top:.1rem}
        .call{border-top:1px solid var(--line);padding:.8rem 0 .5rem}.call:first-of-type{border-top:0}
        .call p{font-size:.9rem;color:var(--soft);margin:0 0 .5rem}.call p b{color:var(--ink);font-weight:600}
        .figures{columns:2;column-gap:2.4rem}
        .figures table{break-inside:avoid;margin-bottom:1rem}
        .figures caption{text-align:left;font-weight:600;font-size:.95rem;padding:.2rem 0}
        .figures th{color:var(--soft)}.figures tr.head th{color:var(--ink)}
        footer{font-size:.86rem;margin-top:1.2rem}
        @media (max-width:1000px){.cards{grid-template-columns:repeat(2,1fr)}}
        @media screen and (max-width:719px){body{padding:.9rem .7rem 1.5rem}section{padding:.9rem .8rem}\
        h1{font-size:1.35rem}.wide{display:none}.narrow{display:block}.cards{gap:.6rem}.card{padding:.65rem .75rem}\
        .first .value{font-size:1.5rem}.value{font-size:1.3rem}.figures{columns:1}.extra,td.bar .wide{display:none}\
        .bars tbody th{width:46%}td.bar{width:auto;text-align:right}.bars thead th:nth-child(2){text-align:right}}
        @page{margin:14mm}
        @media print{*{print-color-adjust:exact;-webkit-print-color-adjust:exact}html{font-size:12px}body{max-width:none;\
        padding:0;background:#fff}.cards{grid-template-columns:repeat(4,1fr)}section{margin-top:.8rem}\
        section,.call,.card,tr{break-inside:avoid}section.long,.figures table{break-inside:auto}\
        h2,h3,caption,.lead{break-after:avoid}.figures{columns:3;column-gap:1.6rem}}
        """
}
