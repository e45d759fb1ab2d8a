"""Words and pairs of words that people use when they ask for a kind of task, in six languages.

What everyday prose uses otherwise ("import", "class", "function", "chart", "plan of") is in none of
the `KINDS`; `TOPICS` are weaker hints, whose weight is learned and which decide nothing alone.
"""

from __future__ import annotations

_KINDS = {
    "translation": """translate translated translation übersetze übersetz übersetzen übersetzung
        traduis traduisez traduire traduction traduce traducir traducción traduci traduza
        vertaal 翻译 переведи localise localize subtitle; do you say; speaker say; wie sagt;
        sagt man; dit on; se dice; ins deutsche; ins englische; auf deutsch; auf englisch; en
        anglais; en français; al inglés; al español; was heißt; native speaker; word for""",
    "summary": """summarise summarize summarised summarising summarizing summary tldr gist
        synopsis condense recap shorten takeaways highlights zusammenfassung zusammenfassen
        zusammen résumé résumer résume resumen resume resumir riassumi riassunto resumo
        samenvatting 总结 essentials digest minutes; sum up; sums up; main points; main point;
        main idea; key points; tl dr; brief overview; in short; in brief; wichtigsten punkte;
        points essentiels; boil down; ideas principales; in one; two sentences; three
        sentences; en deux; zwei sätzen; drei sätzen; core message; important points""",
    "extraction": """extract extracts extracting extrahiere extrahieren extrais extraire extrae
        extraer estrai 提取 classify parse klassifiziere clasifica classifie annotate retrieve
        scrape detect entities keywords spam sentiment hashtags; pull out; pull the; list all;
        list every; find all; as json; as csv; in json; key value; finde alle; tous les; au
        format; json object; return json; format json; the names; all the; mentioned in; only
        the; label these; label each; tag each; the labels; yes no; comma separated; nur die""",
    "code": """javascript typescript kotlin golang sql bash regex numpy pandas dataframe df
        matplotlib seaborn sklearn pytorch react django flask fastapi docker dockerfile css
        html git github traceback debug refactor compile compiler stacktrace pytest api
        endpoint script skript code código función programmiere boolean asyncio decorator curl
        cron kernel syntaxerror typeerror keyerror valueerror nameerror indexerror
        attributeerror importerror; unit test; unit tests; merge conflict; pull request; list
        comprehension; type hints; fonction python; in python; into python; with python; using
        python; python script; python code; python package; python function; to python; en
        python; in rust; in java; rust code; java code; den fehler; ce bug; this bug; the bug;
        a query; linked list; linked lists; this function; python funktion; time complexity;
        error handling""",
    "math": """calculate compute integral derivative equation equations eigenvalues probability
        prove theorem factorise factorize simplify determinant polynomial perimeter radius
        remainder berechne berechnen gleichung ableitung beweise calcule calculer équation
        dérivée démontre calcula calcular ecuación derivada demuestra 计算 prozent percent
        divisor decimal fraction; how much; wie viel; combien font; quanto fa; cuántos le;
        square root; prime number; prime numbers; solve for; average speed; standard
        deviation; the sum""",
    "analysis": """analyse analyze analysing analyzing analysis analise compare evaluate assess
        assessment interpret critique contrast swot trends insights implications significance
        outliers residuals weaknesses causes vergleiche vergleich analysiere bewerte analysez
        comparer comparez évalue analiza analizar compara evalúa analizza 分析 discuss
        investigate; pros and; advantages and; strengths and; vor und; avantages et; ventajas
        y; explain why; differences between; root cause; stands out; what trends; peut on;
        point out; weigh up; does this; do the; der unterschied; based on; tell us; patterns
        in; p value""",
    "creative": """poem poems haiku limerick sonnet lyrics slogan slogans tagline story tale
        song rap gedicht geschichte märchen poème histoire poema cuento rédige redacta
        filastrocca essay blog newsletter speech toast eulogy parody rewrite paraphrase
        rephrase brainstorm joke metaphor formuliere erfinde invente inventa invent compose
        draft dialogue scene style sound wording polish; cover letter; blog post; press
        release; come up; make up; an email; a letter; 一首""",
    "planning": """plan itinerary roadmap schedule agenda timetable checklist milestones
        curriculum timeline strategy calendar phases steps plane planen lernplan wochenplan
        planifie planifier planifica planificar organise organize organizza organiza
        cronograma plano planning calendario programme 计划 rollout; to do; action plan; what
        steps; day by; welche schritte; which order; go about; set out; days in; first 100""",
    "reasoning": """riddle puzzle rätsel énigme acertijo deduce infer reason reasoning premises
        knights knaves logically argument conclude conclusion follows lies truth liar
        assumption suppose statement taller shortest puzzle; step by; schritt für; étape par;
        paso a; must be; can we; comes next; missing number; ist älter; ist jünger; plus
        grand; plus petit; does not; if all; si tous; wenn alle; si todos; se tutti; what am;
        did it; at least one""",
    "chat": """hello hi hey thanks hallo danke bonjour merci hola gracias ciao 你好 recommend;
        good morning; how are; let me; tell me; who wrote; wie geht; ça va; qué tal; how does;
        how do; i feel""",
}
_TOPICS = {
    "a language": """english german french spanish italian portuguese dutch polish czech russian
        ukrainian greek turkish arabic hebrew hindi chinese mandarin japanese korean
        vietnamese thai swedish norwegian danish finnish hungarian latin englisch englische
        deutsch deutsche französisch spanisch italienisch anglais allemand français espagnol
        japonais inglés alemán francés español inglês inglese engels 英文 中文 英语 английский
        brazil""",
    "material": """text article paragraph report document paper abstract transcript passage
        chapter email message notes page thread review reviews log lecture interview speech
        contract attached below above following describe artikel bericht protokoll folgenden
        article rapport réunion texte texto informe artículo testo capítulo 文本 文章 tickets
        meeting""",
    "a program": """python java rust query loop array variable notebook module server database
        column columns rows file files install version commit branch cell merge pivot csv json
        url urls exception error fehler erreur plot parser tests; a function; write function;
        reusable function; the class; this class; eine funktion; une fonction; una función; a
        class; a list""",
    "a measure": """km kg cm metres meters miles hours hour minutes days years old euros euro
        dollars cents litres price cost costs discount interest tax percent each twice total
        average area volume speed stunden preis rows sheep apples""",
    "a puzzle": """before after left right next first last never always other another older
        younger heavier lighter door doors box boxes house houses switch coins lamp neither
        nobody either behind sits älter jünger likely statement""",
    "to compose": """write create make draft give generate schreibe schreib erstelle mach écris
        fais escribe haz crea scrivi crie schrijf 写""",
    "an asset": """data table results figures numbers chart plot graph dataframe sales revenue
        churn survey experiment regression model models boxplot matrix zahlen tabelle daten
        tableau résultats datos ventas dati 数据 score funnel rates hypothesis test""",
    "a horizon": """week weeks month months day days weekend year trip travel exam project team
        budget wedding training launch release wochen tage semaines jours semanas días
        settimana reise viaje voyage prüfung examen conference party garden""",
}
_ASKING = """what what's who who's whose when where which why how is are was were do does did can
    could should will would was wer wie wo wann warum welche que quel quelle qui pourquoi comment
    combien qué quién cuál cómo dónde cuándo ¿qué che chi qual quem"""


def _marks(text: str) -> set[str]:
    """The words that stand first in `text`, and the pairs that follow, each after a ``;``."""
    words, *pairs = text.split(";")
    return {*words.split(), *(" ".join(pair.split()) for pair in pairs)}


KINDS = {mark: kind for kind, text in _KINDS.items() for mark in _marks(text)}
_SAID_IN = {name: _marks(text) for name, text in _TOPICS.items()}
TOPICS = {
    mark: tuple(name for name, said in _SAID_IN.items() if mark in said)
    for mark in sorted(set().union(*_SAID_IN.values()))
}
ASKING = frozenset(_ASKING.split())
