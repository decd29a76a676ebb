//! Words for common work and for languages, in several languages. Lower case, without accents; `*` matches any ending.

/// A meaning and the words for it.
pub(super) struct Concept {
    pub(super) name: &'static str,
    pub(super) words: &'static str,
}

const fn concept(name: &'static str, words: &'static str) -> Concept {
    Concept { name, words }
}

pub(super) const CONCEPTS: &[Concept] = &[
    concept(
        "summarize",
        "summar* shorten* condens* digest* tldr abridg* gist zusammenfass* fasse fasst kurze kurzen kurzt \
         kurzfassung resumer resumir resumen riassum* 总结 摘要 概括 概述 归纳 要約 요약",
    ),
    concept(
        "translate",
        "translat* ubersetz* uebersetz* traduc* traduir* traduis* traduz* localis* localiz* vertal* 翻译 译成 译为 \
         翻成 翻訳 번역",
    ),
    concept(
        "redact",
        "redact redacts redacted redacting redaction anonymi* mask* sanitis* sanitiz* pseudonymi* pii schwarze \
         schwarzen schwarzt schwarzung unkenntlich caviard* 脱敏 打码 匿名 隐去 遮盖",
    ),
    concept(
        "review",
        "review* proofread* critiqu* uberpruf* prufe prufen pruft prufung begutacht* korrekturles* lektor* relire \
         revis* 审阅 审查 审核 评审 校对 検査",
    ),
    concept(
        "price",
        "price prices priced pricing quote quotes quotation* quoting cost costs estimat* preis* angebot* kostet \
         kosten kostenvoranschlag* devis precio* presupuesto* cotiza* total amount 报价 价格 估价 多少钱 询价",
    ),
    concept("invoice", "invoic* bill bills billing rechnung* factur* fattur* 发票 账单 开票 請求書"),
    concept(
        "research",
        "research* investig* recherch* erforsch* search* lookup suche suchen sucht buscar busca cherche* 研究 调研 \
         搜索 查找 查询 检索 调查",
    ),
    concept(
        "image",
        "image images picture* illustrat* draw draws drawing drawings paint* bild bilder zeichne* illustrier* \
         dibuj* dessin* 图片 图像 插图 配图 海报 画",
    ),
    concept(
        "write",
        "write writes writing written draft* compos* schreib* verfass* entwirf entwurf* ecri* escrib* 撰写 起草 写",
    ),
    concept("rewrite", "rewrit* rephras* paraphras* reword* umformulier* umschreib* 改写 润色"),
    concept("extract", "extract* extrahier* pars* extrai* 提取 抽取 解析"),
    concept("classify", "classif* categoris* categoriz* klassifizier* tagging 分类 归类"),
    concept("convert", "convert* konvertier* umwandl* transform* 转换 转成"),
    concept("transcribe", "transcri* transkri* dictat* 转录 听写 转写"),
    concept(
        "send",
        "send sends sending deliver* versend* sende senden schick* verschick* envoy* envia* 发送 通知",
    ),
    concept("analyze", "analy* analiz* evaluat* auswert* bewert* untersuch* assess* 分析 评估"),
    concept("explain", "explain* explan* erklar* erlauter* expliqu* explic* 解释 说明 讲解"),
    concept("test", "test tests testing teste testen 测试"),
    concept("schedule", "schedul* calendar* appointment* booking termin* kalender* 安排 日程 预约"),
    concept("pay", "pay pays payment* bezahl* zahlung* 支付 付款"),
    concept("weather", "weather* forecast* wetter* meteo* 天气"),
    concept("sentiment", "sentiment* mood stimmung* 情感 情绪"),
    concept("legal", "legal* contract* lawyer* vertrag* juristisch* 合同 法律"),
    concept("chart", "chart* plot* diagram* visuali* 图表"),
    concept("compare", "compar* vergleich* 比较 对比"),
    concept("calculate", "calculat* berechn* 计算"),
    concept("grammar", "grammar* spelling spellcheck* rechtschreib* grammatik* 语法"),
    concept("speak", "speech voice* vorles* narrat* 朗读 语音"),
    concept("order", "order orders ordering bestell* 订购 下单"),
];

/// For each language its code, its English name, and the words for it.
pub(super) const LANGUAGES: &[(&str, &str, &str)] = &[
    ("en", "English", "english englisch* anglais ingles 英语 英文"),
    ("de", "German", "german deutsch* allemand aleman 德语 德文"),
    ("fr", "French", "french franzosisch* francais frances 法语 法文"),
    ("es", "Spanish", "spanish spanisch* espagnol espanol 西班牙语 西班牙文"),
    ("zh", "Chinese", "chinese chinesisch* chinois mandarin 中文 汉语"),
    ("ja", "Japanese", "japanese japanisch* japonais japones 日语 日文 日本語"),
    ("it", "Italian", "italian italienisch* italiano 意大利语"),
    ("pt", "Portuguese", "portuguese portugiesisch* portugais 葡萄牙语"),
    ("nl", "Dutch", "dutch niederlandisch* hollandisch* neerlandais 荷兰语"),
    ("ru", "Russian", "russian russisch* russe 俄语 俄文"),
    ("pl", "Polish", "polish polnisch* polonais 波兰语"),
    ("ko", "Korean", "korean koreanisch* coreen 韩语 韩文"),
    ("ar", "Arabic", "arabic arabisch* arabe 阿拉伯语"),
    ("hi", "Hindi", "hindi 印地语"),
    ("tr", "Turkish", "turkish turkisch* turc 土耳其语"),
    ("uk", "Ukrainian", "ukrainian ukrainisch* 乌克兰语"),
    ("sv", "Swedish", "swedish schwedisch* 瑞典语"),
    ("da", "Danish", "danish danisch* 丹麦语"),
    ("cs", "Czech", "czech tschechisch* 捷克语"),
];

/// Words that carry no meaning for a goal.
pub(super) const EMPTY: &str = "a an the this that these those it its them they i me my mine we our us you your he \
    she his her to into in on at of for from by with without about as is are be was were been and or but then than so \
    if when while after before once please want wants wanted need needs make makes made making do does did done can \
    could should would will shall let lets get gets got give gives given use uses used using take takes ask asks help \
    have has had one two some any all each every both more most other others also not no never only just very too up \
    out over between what which who how why where there here new good text texts document documents file files data \
    input output result results content contents thing things something word words create creates created creating \
    agent agents skill skills \
    der die das den dem des ein eine einen einem einer eines dieser diese dieses diesen diesem und oder aber dann \
    danach anschliessend nach vor mit ohne fur fuer von vom zu zum zur auf aus im ins am an als ist sind sei wird \
    werden kann soll sollte bitte ich mir mich du wir uns es ihn ihm sie ihr mein meine meinen dein nicht kein keine \
    mache mach machen erstelle erstellen gib lass dokument datei daten inhalt ergebnis sowie auch nur noch wenn dass \
    le la les un une des du et ou de en au aux pour par avec sans ce cette ces mon ma mes je tu il elle nous vous \
    puis texte el los las una y del con sin por para mi tu su este esta texto luego";

/// Words that begin another clause of a goal.
pub(super) const AND_THEN: &str = "and then und dann danach anschliessend afterwards thereafter finally schliesslich \
    zuletzt et puis ensuite y luego 并 然后 再 接着 最后 和 并且";

/// Words that make steps independent of each other.
pub(super) const APART: &str = "both separately independently parallel simultaneously concurrently jeweils getrennt \
    unabhangig parallel gleichzeitig separement 同时 分别 各自";

/// Words before a target language.
pub(super) const INTO: &str = "to into in auf ins nach en au al 成 为 到 译成 译为 翻成";
/// Words before a source language.
pub(super) const OUT_OF: &str = "from aus vom von 从 由";

/// Words that negate the words after them.
pub(super) const NOT: &str = "not no never without nicht kein keine ohne doesn don cannot 不 没有";

/// Returns whether `word` matches one of `words`.
pub(super) fn means(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|known| match known.strip_suffix('*') {
        Some(beginning) => word.starts_with(beginning),
        None => word == known,
    })
}
