"""Triage: what counts as danger, what does not, and what it costs to find out."""

import json
import random
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml

from bot.domain.triage import (
    CARE,
    DANGER,
    TEXT_LIMIT,
    Assessment,
    Flag,
    Level,
    Lexicon,
    LexiconError,
    assess,
)

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "locales").glob("*/triage.yml"))


def _load(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        return dict(yaml.safe_load(file))


CONTENT = {path.parent.name: _load(path) for path in FILES}
LEXICONS = [Lexicon.from_mapping(locale, content) for locale, content in CONTENT.items()]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def level(text: str) -> Level:
    return assess(text, LEXICONS).level


def heard(text: str) -> bool:
    """Tell whether danger is found: said outright, or in words that its meaning must confirm."""
    found = assess(text, LEXICONS)
    return found.level is Level.RED or found.danger_words or found.self_harm_words


RED_EN = """
hes got his hands round my throat
my bf put a gun on the table and says dont move
he burnt me with his cigarette
they wont open the door we are 6 girls in here
hes dragging me by the hair
we r in the back of a truck no air pls
the pimp is here and hes angry he will beat me again
she poured boiling water on my legs
someone is climbing through my window
he said he is going to slit my throat
two men grabbed me on the street and now im in a house
i cant get out of this room its bolted
they handcuffed me to the radiator
i think my arm is broken he twisted it
he is kicking the bathroom door im inside
my stepdad is hurting my little brother
there is blood coming out of my ear
the owner keeps us in the basement and took the key
he wants to throw me off the balcony
they are putting us on a boat tonight to sweden
hes coming up the stairs with a bat
he's strangling her
my friend is not breathing
he took my baby and drove off
i was just raped
they drugged me i cant move my legs
please come fast they will come back soon
i'm chained
im being kept in a caravan and cant go anywhere
the guards have guns and dogs
they want to sell me to another man in an hour
he has locked all the doors and windows
help he's outside with an axe
can u call the cops he's smashing everything
he punched me in my pregnant belly
im scared he's gonna do something to me tonight
they took my clothes and phone and shut me in a cold storage
my husband pushed me down the stairs and now he wont let me see a doctor
hes threatening me with scissors
he put a pillow over my face
they say if i scream they cut my tongue
hes filling the room with gas
he whipped me with a cable
she bit me and threw a plate on my head
they are burning my papers and say tomorrow its me
i am tied to a chair in a garage
he spat on me and held a lighter to my hair
the man in the room has a taser
we are locked since 3 days no water
he forced me in his car and is driving fast
im in a car trunk phone 3%
he follow me home everyday and now he stands by my window
they hit my friend until she stopped moving
he's drunk and he's coming for me
my boss beats me every night
they beat us if we dont work
i cut my wrists
i swallowed 40 tablets
im standing on the roof
the rope is around my neck
im gonna jump from the bridge tonight
ive taken an overdose
i have a blade and im going to use it
i drank the cleaning stuff to die
im on the tracks
already cut deep cant stop the blood
i wrote the note, its tonight
cant do this any more, got the pills here
he brok my finger cuz i talked to a client
bos lok the dor evry nite we cant go out
hez hiting me plz
h3 h4s a kn1fe
i am locked inn the aparment
theyre gona kil me
plss helppp he wil kill meee
hehasaknife
im bleedin
he strangeld me yesterday and today again
ther r 3 men they dont let me go
he says he will post acid on my face
they trapped me
i feel blood running down my leg after he kicked me
he is choking my sister
a man here is holding a girl against her will right now
my neighbour is beating his kids i hear them scream
i can hear a woman screaming for help next door, he is killing her
they have a child locked in the room
the little one is bleeding and they do nothing
dude with a machete in front of our door
he wont stop beating me
i woke up in a strange flat and the door is locked
he turned off the phone and said nobody will find my body
they are digging a hole and said its for me
he injected me with something
they loaded us in a van with no windows
he's punching walls and says im next
he sleeps now but when he wakes he will beat me
i ran but he caught me and now im in the cellar
he smashed a chair on my back
sir please he locked us all in the greenhouse and went to sleep
my girlfriend has been stabbed what do i do
they took us from the bus at gunpoint
i can hear him sharpening the knife
im being attacked
they are outside with dogs looking for us
we are 11 people in a container no light no air
the boat is sinking and they left us
he will kill the baby if i leave
i have been shot in the leg
hes got my daughter and wont give her back and he's drunk
stop him he is hurting her
they make me swallow drugs and put me on plane in 2 hours
he keeps hitting my head to the wall
the house is burning they blocked the door
they said at midnight they take us to germany
he came in with two men and they held me down
i cant move my arm after he hit me with the iron
the man with the gun is asking where i am
my water broke and they wont call a doctor
she locks the fridge and the door and beats me with a spoon
im hiding under a truck he is searching
we jumped out of the van they are shooting
he has petrol and a lighter
my hands are tied i type with my nose
he took off the door handle so i cant get out
the driver wont let us out of the car
my uncle is trying to rape me
they keep me prisoner in a massage shop
i have been beaten so much i cant see
been hit in the head and everything is spinning
hes so angry tonight he will do it this time
please they are going to bury us
he says tonight he sends me to another country
i think he poisoned me
theres 5 men waiting to have me and i cant leave the room
last chance pls they come at 4 to pick me up and i dont want
he broke in and he is in my kitchen
i cut my arm and there is so much blood
took 20 sleeping tabs now
ive got the gun in my mouth
ive tied the rope
im at the bridge and ready
i swallowed a lot of paracetamol an hour ago
im bleeding from my wrists
i turned on the gas, sorry
he throws me against the wall
i got punched by my boss right now
they have tied my friend to the bed and take photos
he is taking off his belt again
men with masks came in and they want us all on the floor
he keeps a gun under the pillow and says one more word
my ribs hurt so bad after he jumped on me
we hear shots
someone help there is a girl in the next room and she is screaming stop
the door has no handle inside and the window is nailed
im in a white van between aarhus and i dont know
he put something in my drink and now i feel dizzy and he is locking the door
she stabbed him
he burned my passport and says next is me
they shaved my head and beat me with cables
i escaped to the bathroom he is banging
my owner says tonight i go to sweden with the new man
he pressed my face in the water
i cant stand up he kicked my knees
hold me here since friday, no food
he has sent men to get me
he grabbed a knife from the kitchen when i said no
i dont feel my legs
my throat is swollen after he squeezed it
he is loading us in a truck
they took two girls already, im next
my baby is not breathing
he will come back at 8 and hit me
i have been kidnaped pls call pollice
somebody pls come, adress is on the door, he is crazy with the axe
hes hurting my mum right now in front of me
they said they will break my legs tonight
just cut my arms
i have the pills in my mouth
ive jumped in the water
on the edge of the bridge
i am bleeding i did it myself
took a bottle of pills and vodka
the rope is hanging
im gonna shoot myself
goodbye, by the time you read this im gone
going in front of the train
he is still hitting me
he laughs and hits me
he says it is a joke but he hits me
we watched a movie and then he hit me
after football he beats me
i cant anymore he beat me
for example yesterday he hit me with a belt
i came here two years ago and now they lock me in every night
he said last year he would kill me and now he is at my door
my husband beats me when my son does not do homework
it is over he stabbed me
he hit me with the laptop
he hits me when i play games
the client said he will kill me
dont call the police he has a knife and will kill me
nobody helps me he is beating me
no one hears me and he has a gun
i never thought he would lock me in here
he didnt stop hitting me
he will not stop hitting me
police does not come and he is hitting me
i am not safe, he is coming now
my phone is dying and he is hitting me
i have a deadline, haha. he is hitting me
"""

RED_DA = """
han har hænderne om halsen på mig
min kæreste lagde en pistol på bordet og siger jeg ikke må røre mig
han brændte mig med en cigaret
de vil ikke åbne døren vi er 6 piger herinde
han slæber mig i håret
vi er bag i en lastbil og har ingen luft
alfonsen er her og han er vred han slår mig igen
hun hældte kogende vand på mine ben
der kravler nogen ind ad mit vindue
han siger han vil skære halsen over på mig
to mænd tog fat i mig på gaden og nu er jeg i et hus
jeg kan ikke komme ud af rummet
de har lænket mig til radiatoren
min arm er brækket tror jeg han vred den om
han sparker på badeværelsesdøren jeg er derinde
min stedfar gør min lillebror ondt
der kommer blod ud af mit øre
ejeren holder os i kælderen og tog nøglen
han vil smide mig ud fra altanen
de sætter os på en båd i nat til sverige
han kommer op ad trappen med et bat
han kvæler hende
min veninde trækker ikke vejret
han tog min baby og kørte
jeg er lige blevet voldtaget
de har bedøvet mig jeg kan ikke bevæge benene
kom hurtigt de kommer snart tilbage
jeg er lænket
jeg bliver holdt i en campingvogn og kan ikke komme nogen steder
vagterne har våben og hunde
de vil sælge mig til en anden mand om en time
han har låst alle døre og vinduer
hjælp han står udenfor med en økse
kan du ringe til politiet han smadrer alt
han slog mig i maven og jeg er gravid
jeg er bange for at han gør noget ved mig i aften
de tog mit tøj og min telefon og lukkede mig inde i et kølerum
min mand skubbede mig ned ad trappen og nu må jeg ikke komme til læge
han truer mig med en saks
han lagde en pude over mit ansigt
de siger hvis jeg skriger skærer de tungen af mig
han piskede mig med et kabel
hun bed mig og smed en tallerken i hovedet på mig
jeg er bundet til en stol i en garage
vi har været låst inde i 3 dage uden vand
han tvang mig ind i sin bil og kører stærkt
jeg ligger i bagagerummet 3% strøm
de slog min veninde til hun ikke bevægede sig
han er fuld og er på vej
min chef slår mig hver aften
de slår os hvis vi ikke arbejder
jeg har skåret pulsåren over
jeg har slugt 40 tabletter
jeg står på taget
rebet er om min hals
jeg hopper fra broen i aften
jeg har taget en overdosis
jeg har et barberblad og bruger det nu
jeg drak rengøringsmiddel for at dø
jeg ligger på skinnerne
jeg har allerede skåret dybt kan ikke stoppe blodet
jeg har skrevet brevet det bliver i nat
kan ikke mere, har pillerne her
han brækkede min finger fordi jeg talte med en kunde
han slar mig pls
jeg er last ind i leiligheden
de dræber mig
plss hjæælp han slår mig ihjel
hanharenkniv
jeg bløøøder
der er 3 mænd de lader mig ikke gå
han vil kaste syre i hovedet på mig
de har fanget mig
han kvæler min søster
en mand holder en pige fanget her nu
min nabo slår sine børn jeg kan høre dem skrige
der er en kvinde der skriger om hjælp ved siden af han slår hende
de har låst et barn inde i værelset
den lille bløder og de gør ingenting
en fyr med machete foran vores dør
han bliver ved med at slå mig
jeg vågnede i en fremmed lejlighed og døren er låst
han siger ingen vil finde mit lig
han stak mig med en sprøjte
de læssede os ind i en varevogn uden vinduer
han slår i væggen og siger jeg er den næste
han sover nu men når han vågner slår han mig
jeg løb men han fangede mig og nu er jeg i kælderen
de tæsker mig
han presser en kniv mod min hals
min far truer med at slå mig ihjel
han tager kvælertag på mig hver gang
jeg blev slået i dag
de sparker mig
han har tævet mig hele natten
de er ved at bryde døren op
jeg er spærret inde på et hotelværelse
han smadrede en stol på ryggen af mig
undskyld han har låst os alle inde i drivhuset og er gået i seng
min kæreste er blevet stukket ned hvad gør jeg
de tog os fra bussen med pistol
jeg kan høre ham slibe kniven
jeg bliver overfaldet
de er udenfor med hunde og leder efter os
vi er 11 mennesker i en container uden lys og luft
båden synker og de har forladt os
han slår babyen ihjel hvis jeg går
jeg er skudt i benet
han har min datter og vil ikke give hende tilbage og han er fuld
stop ham han gør hende ondt
de tvinger mig til at sluge stoffer og sætter mig på et fly om 2 timer
han bliver ved med at banke mit hoved ind i væggen
huset brænder de har spærret døren
de siger de kører os til tyskland ved midnat
han kom med to mænd og de holdt mig nede
jeg kan ikke bevæge armen efter han slog mig med strygejernet
manden med pistolen spørger hvor jeg er
vandet er gået og de vil ikke ringe til en læge
hun låser døren og slår mig med en ske
jeg gemmer mig under en lastbil han leder efter mig
vi hoppede ud af varevognen de skyder
han har benzin og en lighter
mine hænder er bundet
han har taget håndtaget af døren så jeg ikke kan komme ud
chaufføren vil ikke lukke os ud af bilen
min onkel prøver at voldtage mig
de holder mig fanget i en massageklinik
jeg er blevet slået så meget at jeg ikke kan se
fik et slag i hovedet og alting snurrer
han er så sur i aften han gør det denne gang
de vil begrave os
han siger at han sender mig til et andet land i nat
jeg tror han har forgiftet mig
de henter mig kl 4 og jeg vil ikke
han er brudt ind og står i mit køkken
jeg har skåret mig i armen og der er så meget blod
tog 20 sovepiller nu
jeg har pistolen i munden
jeg har bundet rebet
jeg er ved broen og klar
jeg slugte en masse panodiler for en time siden
jeg bløder fra håndleddene
jeg har tændt for gassen undskyld
han kaster mig ind i væggen
min chef har lige slået mig
døren er lukket udefra og de svarer ikke
de slår mig hvis jeg ikke tjener nok i aften
de har bundet min veninde til sengen og tager billeder
han tager bæltet af igen
mænd med masker kom ind og vi skal alle ligge på gulvet
han har en pistol under puden
mine ribben gør så ondt efter han hoppede på mig
vi hører skud
der er en pige i rummet ved siden af hun skriger stop
døren har intet håndtag indvendigt og vinduet er sømmet til
jeg er i en hvid varevogn mellem aarhus og jeg ved ikke
han kom noget i min drink og nu er jeg svimmel og han låser døren
hun stak ham
han brændte mit pas og siger at jeg er den næste
de barberede mit hår af og slår mig med kabler
jeg nåede ud på badeværelset han hamrer løs
min ejer siger at jeg skal til sverige i nat med den nye mand
han holdt mit hoved under vand
jeg kan ikke rejse mig han sparkede mine knæ
de har holdt mig her siden fredag uden mad
han har sendt mænd efter mig
han greb en kniv i køkkenet da jeg sagde nej
jeg kan ikke mærke mine ben
min hals er hævet efter han klemte den
han læsser os på en lastbil
de har allerede taget to piger jeg er den næste
min baby trækker ikke vejret
han kommer tilbage klokken 8 og slår mig
jeg er blevet kidnappet ring til politiet
kan nogen komme han er sindssyg med øksen
han gør min mor ondt lige nu
de siger de brækker mine ben i aften
har lige skåret mig i armene
jeg har pillerne i munden
jeg er sprunget i vandet
på kanten af broen
jeg bløder jeg gjorde det selv
tog et glas piller og vodka
rebet hænger klar
jeg skyder mig selv
farvel når i læser det her er jeg væk
jeg går ud foran toget
jeg kan ikke mere han slog mig
han griner og slår mig
han har slået mig tidligere i dag
han siger det er for sjov men han slår mig
han slår mig når jeg ikke laver lektier
efter fodbold slår han mig
ingen hjælper mig og han slår mig
ingen hører mig han har en kniv
han vil ikke stoppe med at slå mig
han holder ikke op med at slå mig
jeg kom her for to år siden og nu låser de mig inde hver nat
min telefon dør og han slår mig
jeg må ikke gå ud han har låst døren
han har aldrig slået mig før men nu har han en kniv
han slog mig i går
"""

CALM_EN = """
this heat is killing me
my back is killing me after work
i would kill for a pizza
you nailed it, killer answer
my phone got killed by water
i bombed the exam
he stole my heart
she broke my heart and left
that joke slayed me
im dead lol
i nearly died when i saw the price
she is drop dead gorgeous
i have a deadline tomorrow
hit me up on whatsapp
it hit me that i need a lawyer
we beat them 3-0 yesterday
the movie where he stabs his boss
i am watching a crime series about a kidnapped girl
in the game i have a gun and a knife
this song is called kill me slowly
i had a nightmare that he locked me in
he used to hit me but now i am safe
he beat me ten years ago, can i still report it
when i was a child my father hit me
in 2015 they locked me in a flat in italy
nobody hits me here
he has never hit me
they dont lock the door
no one has a weapon
i am not in danger
im not locked in
they let me out when i want
i work as a chef so i have many knives
the knife factory where i work pays too little
i cut my finger at work can i see a doctor
i burned my hand on the stove
my account is locked
locked out of mitid
my bank card is blocked
door is open for everyone
what is domestic violence
how many people are killed in denmark
what is the punishment for kidnapping
i am writing an essay about suicide
suicide hotline number for our school poster
is there statistics about suicide
my patient says her husband hits her, what should i do
as a teacher i have a pupil who says she is beaten at home
i study human trafficking and violence against women
i want to die of shame haha
i am bleeding money every month
the company is bleeding
he shot the photo of me
she shot me a message
take me to the menu
take me back to start
can you take me to page about work
they are moving me to another team
he is driving me crazy
my boss is driving me to work every day
they took us to the zoo
fire your boss lol
i got fired today
the bus hit a tree
he hit the gym
choking on my coffee lol
i took two panodil for headache
i take my pills every morning
jumping rope is fun
i want to jump to the next question
my grandma died last year
my dad died of cancer
blood test where
i donate blood
period blood is normal
i am tied to this contract
my hands are tied by the contract
caught in traffic
trapped in bureaucracy
he grabbed me a coffee
save me a seat
help me with my homework
help me find a job
help me understand the law
i need help with papers
i need help with a visa
is the emergency number free
emergency contact on my form
can i call police if boss does not pay
i saw a fire truck
the fire alarm test
boss fight killed me three times
she strangled the negotiations
attack on titan is good
panic attacks at night, where can i find a doctor
heart attack symptoms
hangover is killing me
i am 45 and i work
i am 16 minutes late
room 14
"""

CALM_DA = """
varmen slår mig ihjel
min ryg dræber mig efter arbejde
jeg kunne slå ihjel for en pizza
mobilen er død
jeg dumpede med et brag
han stjal mit hjerte
hun knuste mit hjerte
jeg er død af grin
jeg var ved at dø da jeg så prisen
deadline i morgen
slå mig op på facebook
det slog mig at jeg skal bruge en advokat
vi slog dem 3-0 i går
filmen hvor han stikker sin chef
jeg ser en krimi om en kidnappet pige
i spillet har jeg en pistol og en kniv
sangen hedder dræb mig langsomt
jeg drømte at han låste mig inde
han plejede at slå mig men nu er jeg i sikkerhed
han slog mig for ti år siden kan jeg stadig anmelde det
da jeg var barn slog min far mig
i 2015 låste de mig inde i en lejlighed i italien
ingen slår mig her
han har aldrig slået mig
de låser ikke døren
ingen har våben
jeg er ikke i fare
jeg er ikke låst inde
jeg må gå ud når jeg vil
jeg er kok så jeg har mange knive
jeg skar mig i fingeren på arbejdet
jeg brændte hånden på komfuret
min konto er låst
låst ude af mitid
mit kort er spærret
hvad er vold i hjemmet
hvor mange bliver dræbt i danmark
hvad er straffen for kidnapning
jeg skriver opgave om selvmord
er der tal på selvmord
min patient siger at hendes mand slår hende hvad gør jeg
jeg er lærer og har en elev der siger hun bliver slået derhjemme
jeg læser om menneskehandel og vold mod kvinder
jeg dør af skam haha
jeg kunne slå min bror ihjel han spiste min kage
virksomheden bløder penge
han skød billedet af mig
tag mig til menuen
tag mig tilbage til start
kan du tage mig til siden om arbejde
de flytter mig til et andet team
han driver mig til vanvid
min chef kører mig på arbejde hver dag
de tog os med i zoo
jeg blev fyret i dag
bussen ramte et træ
jeg tog to panodiler for hovedpine
jeg tager mine piller hver morgen
jeg vil hoppe til næste spørgsmål
jeg springer det over
min farmor døde sidste år
min far døde af kræft
blodprøve hvor
jeg er bloddonor
jeg er bundet af kontrakten
sidder fast i trafikken
fanget i bureaukrati
hjælp mig med lektierne
hjælp mig med at finde et job
jeg har brug for hjælp til papirer
er nødnummeret gratis
kan jeg ringe til politiet hvis chefen ikke betaler
brandalarmen blev testet
jeg er 45 og arbejder
jeg er 16 minutter forsinket
værelse 14
hun slår græs for naboen
han slår op med mig
vi slog telt op
slå lyset til
hun stak af fra regningen
jeg brænder for mit arbejde
jeg er brændt ud
stik mig nummeret
jeg er skudt i hende
han er en haj til skak og tæver mig hver gang
dødtræt efter vagten
jeg hænger på den
han hænger mig ud på facebook
chefen skælder mig ud
det er dræbende kedeligt
de lukkede klubben
butikken lukkede os ude
"""

# --- Both directions, all danger and all calm -----------------------------------------------------


@pytest.mark.parametrize("text", _lines(RED_EN) + _lines(RED_DA))
def test_danger_now_is_heard(text: str) -> None:
    assert heard(text)


@pytest.mark.parametrize("text", _lines(CALM_EN) + _lines(CALM_DA))
def test_idiom_past_denial_or_story_is_not_urgent(text: str) -> None:
    assert level(text) < Level.ORANGE


@pytest.mark.parametrize(
    ("locale", "name", "text"),
    [
        (locale, name, text)
        for locale, content in CONTENT.items()
        for name, texts in content["examples"].items()
        for text in _lines(texts)
    ],
)
def test_examples_of_each_locale_keep_their_level(locale: str, name: str, text: str) -> None:
    found = assess(text, LEXICONS)
    if name in {"near", "unread"}:
        assert found.level < Level.RED, locale
        assert heard(text), locale
        assert (found.unread is Level.RED) is (name == "unread"), locale
    else:
        assert found.level is Level[name.upper()], locale


# --- What each group answers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "flag", "urgency", "screen"),
    [
        ("he is hitting me", Flag.VIOLENCE, Level.RED, "utter_danger_now"),
        ("han slår mig", Flag.VIOLENCE, Level.RED, "utter_danger_now"),
        ("i took all the pills", Flag.SELF_HARM_NOW, Level.RED, "utter_suicide_care"),
        ("jeg har slugt alle pillerne", Flag.SELF_HARM_NOW, Level.RED, "utter_suicide_care"),
        ("i dont want to live anymore", Flag.SELF_HARM, Level.ORANGE, "utter_suicide_care"),
        ("jeg vil ikke leve længere", Flag.SELF_HARM, Level.ORANGE, "utter_suicide_care"),
        ("gid jeg var død", Flag.SELF_HARM, Level.ORANGE, "utter_suicide_care"),
        ("they threaten my family", Flag.FAMILY, Level.ORANGE, "utter_threats_family"),
        ("de ved hvor min mor bor", Flag.FAMILY, Level.ORANGE, "utter_threats_family"),
        ("i have nowhere to sleep tonight", Flag.LEAVING, Level.ORANGE, "utter_leaving_soon"),
        ("i will run away tomorrow", Flag.LEAVING, Level.ORANGE, "utter_leaving_soon"),
        ("jeg stikker af i nat", Flag.LEAVING, Level.ORANGE, "utter_leaving_soon"),
        ("jeg har ingen steder at sove", Flag.LEAVING, Level.ORANGE, "utter_leaving_soon"),
        ("im 16", Flag.MINOR, Level.ORANGE, "utter_minor_check"),
        ("help!!", Flag.HUMAN, Level.ORANGE, "utter_danger_now"),
        ("hjælp mig", Flag.HUMAN, Level.ORANGE, "utter_danger_now"),
        ("my boss took my passport", Flag.CONTROL, Level.YELLOW, None),
        ("they dont pay me", Flag.CONTROL, Level.YELLOW, None),
        ("jeg skylder dem penge", Flag.CONTROL, Level.YELLOW, None),
        ("i want to talk to a human", Flag.HUMAN, Level.YELLOW, None),
        ("kan jeg tale med et rigtigt menneske", Flag.HUMAN, Level.YELLOW, None),
    ],
)
def test_group_decides_flag_level_and_screen(
    text: str, flag: Flag, urgency: Level, screen: str | None
) -> None:
    found = assess(text, LEXICONS)
    assert flag in found.flags
    assert (found.level, found.screen) == (urgency, screen)


def test_danger_screen_comes_before_every_other() -> None:
    found = assess("i am 16, i want to die and he is hitting me", LEXICONS)
    assert found.flags == {Flag.VIOLENCE, Flag.SELF_HARM, Flag.MINOR}
    assert (found.level, found.screen, found.age) == (Level.RED, "utter_danger_now", 16)


def test_help_is_offered_before_the_question_about_age() -> None:
    found = assess("im 15 and i run away tonight", LEXICONS)
    assert found.flags == {Flag.MINOR, Flag.LEAVING}
    assert found.screen == "utter_leaving_soon"


def test_cry_inside_a_longer_message_is_left_to_its_meaning() -> None:
    assert level("can you help me find a job") is Level.GREY


def test_message_in_another_language_than_chosen_is_read() -> None:
    english_first = [one for one in LEXICONS if one.locale == "en"]
    assert assess("han slår mig", english_first + LEXICONS).level is Level.RED


def test_nothing_is_found_without_lexicons() -> None:
    assert assess("he is hitting me", []) == Assessment()


# --- Ages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("im 16", 16),
        ("I am sixteen", 16),
        ("i'm only 14 years old", 14),
        ("im17", 17),
        ("16yo", 16),
        ("15 years old girl, alone", 15),
        ("my age is 13 pls", 13),
        ("i am ١٦", 16),
        ("i am ๑๖", 16),
        ("1️⃣6️⃣ years old", 16),
        ("I am ｓｉｘｔｅｅｎ", 16),
        ("jeg er 16 år", 16),
        ("er fjorten", 14),
        ("jeg er kun femten", 15),
        ("jeg er 12", 12),
        ("i was 15 when i came and now i am 17", 17),
    ],
)
def test_writers_age_is_read(text: str, age: int) -> None:
    found = assess(text, LEXICONS)
    assert Flag.MINOR in found.flags
    assert found.age == age


@pytest.mark.parametrize(
    "text",
    [
        "i am 18",
        "im 25 years old",
        "jeg er 34 år",
        "my sister is 16",
        "she is 15",
        "16 hours a day",
        "i work 16 hours",
        "room 16",
        "i was 16 when i came here",
        "16 years ago",
        "for 16 years",
        "im 16 weeks pregnant",
        "i am 15 min late",
        "i am 16 km away",
        "16 euro",
        "it is 16 o'clock",
        "16.30",
        "16 may",
        "min søster er 16",
        "16 år siden",
        "værelse 16",
        "klokken er 16",
        "jeg har arbejdet her i 16 år",
        "vi er 12 mænd på arbejde",
        "i am 7 feet away",
        "i am 116",
        "i am 999999999999",
    ],
)
def test_other_numbers_are_no_age(text: str) -> None:
    found = assess(text, LEXICONS)
    assert Flag.MINOR not in found.flags
    assert found.age is None


@pytest.mark.parametrize("text", ["i am under 18", "im a minor", "jeg er ikke fyldt 18"])
def test_minor_without_a_number_has_no_age(text: str) -> None:
    found = assess(text, LEXICONS)
    assert Flag.MINOR in found.flags
    assert found.age is None


# --- How people type ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "HE IS HITTING ME",
        "he iss hittttting meeee",
        "h3 h4s a kn1fe",
        "he has a k\u200bni\u200dfe",
        "he has a ｋｎｉｆｅ",
        "he has a 𝐤𝐧𝐢𝐟𝐞",
        "hé häs ä knîfe",
        "he   has\n\na\tknife",
        "he. has. a. knife.",
        "he_has_a_knife",
        "hehasaknife",
        "theylockedmein",
        "s.o.s",
        "s o s",
        "SOOOOS",
        "🆘",
        "🆘🆘🆘",
        "he has a 🔪",
        "he strangeld me",
        "they kidnaped me",
        "he stabed me in the leg",
        "i am bleedingg",
        "he is stranglng me",
        "im locked in teh basment",
        "he is chokign me",
        "They won\u2019t let me out",
        "They won`t let me out",
        "they wont let me out",
        "han slaar mig",
        "han slar mig",
        "HAN SLÅR MIG",
        "han sla\u030ar mig",
        "jeg bloder",
        "jeg bloeder",
        "jeg er spaerret inde",
        "jeg er sperret inde",
        "doeren er laast",
    ],
)
def test_disguised_misspelt_and_plain_letters_are_read(text: str) -> None:
    assert heard(text)


@pytest.mark.parametrize(
    "text",
    ["he looked me in the eyes", "he is billing me", "he stayed with me", "he is hiring me"],
)
def test_real_word_is_not_taken_for_a_typing_mistake(text: str) -> None:
    assert level(text) is Level.GREY


def test_compound_is_not_cut_into_danger() -> None:
    assert level("jeg har fået afslag") is Level.GREY


# --- Words near danger: the first of two evidences ------------------------------------------------


@pytest.mark.parametrize(
    ("text", "danger", "self_harm"),
    [
        ("which knife is best to fillet cod", True, True),
        ("hvilken kniv skal jeg vælge", True, True),
        ("the rope is ready", True, True),
        ("what is the capital of France", False, False),
        ("hvad er klokken", False, False),
    ],
)
def test_words_near_danger_are_told_and_change_no_level(
    text: str, danger: bool, self_harm: bool
) -> None:
    found = assess(text, LEXICONS)
    assert (found.danger_words, found.self_harm_words) == (danger, self_harm)


def _signs(text: str, **more: object) -> Assessment:
    content = {"danger_words": {"say": "knif*\nlocked"}, **more}
    return assess(text, [Lexicon.from_mapping("xx", content)])


def test_words_alone_have_no_level_flag_or_screen() -> None:
    found = _signs("a knife")
    assert (found.level, found.flags, found.screen) == (Level.GREY, frozenset(), None)
    assert found.danger_words
    assert found.locales == {"xx"}


@pytest.mark.parametrize(
    ("text", "unread", "screen"),
    [
        ("a knife", Level.ORANGE, DANGER),
        ("a boss", Level.GREY, None),
        ("a boss, the BOSSSS", Level.GREY, None),
        ("a boss and a man", Level.ORANGE, DANGER),
        ("the rope", Level.ORANGE, CARE),
        ("the rope and a boss", Level.ORANGE, DANGER),
        ("he hits me", Level.RED, DANGER),
        ("the rope is ready", Level.RED, CARE),
        ("he hits me and the rope is ready", Level.RED, DANGER),
        ("nobody hits me", Level.GREY, None),
        ("a film where he hits me", Level.GREY, None),
        ("a door", Level.GREY, None),
    ],
)
def test_what_words_near_danger_call_for_where_nobody_reads_the_meaning(
    text: str, unread: Level, screen: str | None
) -> None:
    found = _signs(
        text,
        violence={"say": "sos", "not": "nobody hits me"},
        violence_unread={"say": "hits me"},
        self_harm_unread={"say": "rope is ready"},
        danger_words={"say": "(knife|boss|man)"},
        self_harm_words={"say": "rope"},
        everyday_words="boss man",
        elsewhere="film",
    )
    assert (found.unread, found.unread_screen) == (unread, screen)
    assert found.danger_words is (screen == DANGER or "boss" in text)
    assert (found.level, found.screen) == (Level.GREY, None)


def test_a_phrase_red_only_unread_is_found_misspelt_and_glued() -> None:
    phrase = {"violence_unread": {"say": "he strangled me"}, "danger_words": {"say": "stran*"}}
    assert _signs("he strangeld me", **phrase).unread is Level.RED
    assert _signs("hestrangledme", **phrase).unread is Level.RED


def test_the_past_takes_back_what_is_red_unread() -> None:
    assert assess("he broke my arm two years ago", LEXICONS).unread is Level.GREY
    assert assess("he broke my arm", LEXICONS).unread is Level.RED


def test_what_takes_back_a_phrase_takes_back_the_words_in_it() -> None:
    guarded = {"violence": {"say": "he hits me", "not": "nobody locked"}}
    assert not _signs("nobody locked us in", **guarded).danger_words
    assert _signs("nobody locked us in, he has a knife", **guarded).danger_words
    assert not _signs("a knife", **{"not": "a knife"}).danger_words
    assert not _signs("a film with a knife", elsewhere="film").danger_words


def test_the_past_takes_back_words_near_danger() -> None:
    assert not assess("there was a knife two years ago", LEXICONS).danger_words
    assert assess("there was a knife two years ago and now again", LEXICONS).danger_words


def test_mere_words_hide_no_mistyped_phrase() -> None:
    """ "strangeld" begins like a mere word; it must still be read as the phrase's "strangled"."""
    phrase = {"violence": {"say": "strangled me"}}
    found = _signs("strangeld me", danger_words={"say": "stran*"}, **phrase)
    assert found.level is Level.RED
    assert found.danger_words


# --- Time and setting -----------------------------------------------------------------------------


def test_past_takes_back_what_happened_and_now_restores_it() -> None:
    assert level("they locked us in two years ago") is Level.GREY
    assert level("they locked us in two years ago and again today") is Level.RED
    assert level("they locked us in two years ago. he is hitting me") is Level.RED


def test_past_does_not_take_back_the_present() -> None:
    assert level("i came two years ago and he is hitting me") is Level.RED
    assert level("jeg kom for to år siden og han slår mig") is Level.RED


def test_story_takes_back_its_own_sentence_only() -> None:
    assert level("in the film he is hitting me") is Level.GREY
    assert level("i saw it in a film. he is hitting me") is Level.RED


def test_denial_takes_back_only_what_it_denies() -> None:
    assert level("nobody hit me") is Level.GREY
    assert level("nobody helps me and he is hitting me") is Level.RED


def test_another_person_in_danger_now_is_danger_a_report_is_not() -> None:
    assert level("he is beating my friend") is Level.RED
    assert heard("a woman next door is screaming for help")
    assert level("a patient says he hits her") is Level.GREY


def test_single_words_that_excuse_are_no_everyday_words() -> None:
    """Folding makes mma and må one word, so an excuse of one word must be foreign to danger."""
    said = {
        word
        for one in LEXICONS
        for rule in one.rules
        if rule.role.name == "SAY"
        for slot in rule.slots
        for word in slot.words.union(*chain.from_iterable(slot.wordings.values()))
    }
    excuses = {
        word
        for one in LEXICONS
        for rule in one.rules
        if rule.role.name in {"PAST", "ELSEWHERE"} and len(rule.slots) == 1
        for word in rule.slots[0].words
    }
    assert len(excuses) > 10
    assert not excuses & said


# --- The notation ---------------------------------------------------------------------------------


def _says(phrase: str, text: str, **more: object) -> bool:
    lexicon = Lexicon.from_mapping("xx", {"violence": {"say": phrase}, **more})
    return assess(text, [lexicon]).level is Level.RED


@pytest.mark.parametrize(
    ("phrase", "yes", "no"),
    [
        ("red door", "the RED door!", "red wooden door"),
        ("red ..1 door", "red wooden door", "red old wooden door"),
        ("red ..1 door", "red door", "door red"),
        ("red [old] door", "red old door", "red new door"),
        ("(red|dark blue) door", "dark blue door", "blue door"),
        ("red|blue door", "blue door", "green door"),
        ("lock(ed|s) me", "locked me", "locking me"),
        ("lock(ed|s) me", "lock me", "me lock"),
        ("zamkn* mnie", "zamknęli mnie", "zamek mnie"),
        ("^ red", "red door", "a red door"),
        ("red $", "door red", "red door"),
        ("^ red $", "red!!", "red red"),
        ("{colour} door", "dark blue door", "colour door"),
        ("{number} doors", "123456789 doors", "many doors"),
        ("(RÉD|m-a|don't) door", "m a door", "m door"),
        ("(RÉD|m-a|don't) door", "dont door", "don door"),
        ("(RÉD|m-a|don't) door", "red door", "green door"),
        ("(red [old|very new]|blue) door", "red very new door", "red new door"),
        ("(red [old|very new]|blue) door", "red door", "old door"),
        ("(kød|blue) door", "koed door", "kd door"),
        ("red # not blue", "red", "blue"),
    ],
)
def test_notation_means_what_the_guide_says(phrase: str, yes: str, no: str) -> None:
    lists = {"words": {"colour": "red, dark blue"}}
    assert _says(phrase, yes, **lists)
    assert not _says(phrase, no, **lists)


def test_not_cancels_what_it_overlaps() -> None:
    lexicon = Lexicon.from_mapping("xx", {"violence": {"say": "red door", "not": "no red"}})
    assert assess("no red door", [lexicon]).level is Level.GREY
    assert assess("no red door but a red door", [lexicon]).level is Level.RED


def test_script_without_spaces_is_cut_at_known_words() -> None:
    lexicon = Lexicon.from_mapping("th", {"violence": {"say": "เขา ..1 ขัง ฉัน"}})
    assert assess("ช่วยด้วยเขาขังฉันไว้", [lexicon]).level is Level.RED
    assert assess("เขากำลังขังฉัน", [lexicon]).level is Level.RED
    assert assess("ฉันขังเขา", [lexicon]).level is Level.GREY


def test_thai_is_cut_where_a_word_can_end() -> None:
    """A word never leaves a vowel or tone mark behind, while another word fits."""
    lexicon = Lexicon.from_mapping(
        "th", {"violence": {"happened": "เขา ขัง ฉัน\nปีก หัก"}, "past": "{number} ปี ก่อน"}
    )
    assert assess("เขาขังฉัน", [lexicon]).level is Level.RED
    assert assess("5ปีก่อนเขาขังฉัน", [lexicon]).level is Level.GREY


def test_thai_is_cut_at_numbers_and_ordinary_words_too() -> None:
    lexicon = Lexicon.from_mapping(
        "th",
        {
            "violence": {"say": "ตี ..1 ฉัน"},
            "minor": {"say": "อายุ {age}"},
            "numbers": {16: "สิบหก", 20: "ยี่สิบ", 6: "หก"},
            "real_words": "ตีห้า",
        },
    )
    assert assess("ตีห้าฉันตื่น", [lexicon]).level is Level.GREY
    assert assess("อายุสิบหกปี", [lexicon]).age == 16
    assert assess("อายุยี่สิบหกปี", [lexicon]).age is None


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("แม่ โดน ตี", "เเม่โดนตี"),  # the long vowel typed as two short ones
        ("โดน นาย ตี", "โดนนายตี"),  # one word ends as the next begins
        ("ช่วย ด้วย", "ช่วยยยยด้วยยย"),
        ("ช่วย ด้วย", "ช่่วยด้้วย"),
        ("น้ำ ร้อน", "นํ้าร้อน"),  # signs in another order
        ("ขู่ ฆ่า", "ขู่ฆ่า"),
    ],
)
def test_thai_is_read_as_phones_write_it(phrase: str, text: str) -> None:
    assert _says(phrase, text)


def test_arabic_is_read_with_and_without_vowel_signs() -> None:
    assert _says("حبسوني", "حَبَسُوني")
    assert _says("أخذوا جوازي", "اخذوا جوازى")


@pytest.mark.parametrize("text", ["بسكين", "والسكين", "وبالسكين", "هالسكين", "السكين"])
def test_arabic_is_read_behind_what_is_written_onto_a_word(text: str) -> None:
    assert _says("سكين", text)
    assert not _says("سكين", text, real_words=text)


def test_an_arabic_word_too_short_to_tell_is_not_taken_apart() -> None:
    assert _says("باب", "بالباب")
    assert not _says("نت", "بنت")


def test_arabic_plural_verbs_are_read_without_their_silent_letter() -> None:
    assert _says("خدو", "خدوا")
    assert not _says("هو", "هوا")


def test_a_stem_with_digits_is_not_cut_at_them() -> None:
    assert _says("7abs*", "7absouni")
    assert not _says("7abs*", "7aba")


def test_cyrillic_and_vietnamese_are_read_without_marks() -> None:
    assert _says("мене замкнули", "Мене ЗАМКНУЛИ")
    assert _says("họ nhốt tôi", "ho nhot toi")


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"violense": {}}, "nobody knows: violense"),
        ({"violence": {"says": "x"}}, "say, happened, not"),
        ({"violence": {"say": "fine\n(red door"}}, "line 2 .*is missing"),
        ({"violence": {"say": "red) door"}}, "has no partner"),
        ({"violence": {"say": "{they} door"}}, "no word list {they}"),
        ({"violence": {"say": "red .. door"}}, "a gap is written"),
        ({"violence": {"say": "red ..99 door"}}, "a gap is written"),
        ({"violence": {"say": "..2 door"}}, "word before and after"),
        ({"violence": {"say": "[red]"}}, "must not be optional"),
        ({"violence": {"say": "(red||blue)"}}, "alternative is empty"),
        ({"violence": {"say": "(red||{number})"}}, "alternative is empty"),
        ({"violence": {"say": "(red|--- door)"}}, "holds no letters"),
        ({"violence": {"say": "ab* door"}}, "before \\*"),
        ({"violence": {"say": "re*d door"}}, "end of a word"),
        ({"violence": {"say": "(a|b)(c) door"}}, "bracket|no partner|ending"),
        ({"violence": {"say": "--- door"}}, "holds no letters"),
        ({"violence": {"say": ["a", "b"]}}, "after a \\| sign"),
        ({"violence": "he hits"}, "names with something"),
        ({"words": {"they": ""}}, "commas"),
        ({"words": {"they": False}}, "commas"),
        ({"numbers": {"ten": "10"}}, "write a number"),
        ({"numbers": {10: "one zero"}}, "one word"),
        ({"real_words": ["a"]}, "after a \\| sign"),
    ],
)
def test_mistake_in_a_file_is_explained(mapping: dict[str, object], words: str) -> None:
    with pytest.raises(LexiconError, match=words) as caught:
        Lexicon.from_mapping("xx", mapping)
    assert "triage words for xx" in str(caught.value)


@pytest.mark.parametrize(
    ("part", "phrase", "level"),
    [
        ({"violence": {"not": "mdr"}}, "a word", Level.RED),
        ({"violence": {"not": "mdr slog"}}, "fewer words", Level.RED),
        ({"violence": {"not": "mdr slog han mig"}}, "as many", Level.GREY),
        ({"elsewhere": "mdr"}, "laughter in another language", Level.RED),
        ({"past": "mdr"}, "the past of another language", Level.RED),
    ],
)
def test_another_language_takes_back_what_it_reads_better(
    part: dict[str, object], phrase: str, level: Level
) -> None:
    danish = Lexicon.from_mapping("da", {"violence": {"happened": "slog han mig"}})
    other = Lexicon.from_mapping("fr", part)
    assert assess("for mdr slog han mig", [danish, other]).level is level, phrase


# --- Robust and cheap -----------------------------------------------------------------------------


def test_any_text_gives_an_answer() -> None:
    chance = random.Random(7)
    edges = [
        "",
        " ",
        "\n",
        "\x00",
        "\ud800",
        "\u0301",
        "💥" * 99,
        "\u202e",
        "ﷺ" * 99,
        "²",
        "0" * 99,
    ]
    known = [word for one in LEXICONS for word in sorted(one.words)]
    for _ in range(300):
        noise = "".join(chr(chance.randrange(0x110000)) for _ in range(chance.randrange(80)))
        edges.append(noise + " ".join(chance.choices(known, k=chance.randrange(12))))
    assert all(isinstance(assess(text, LEXICONS), Assessment) for text in edges)


def test_other_sentences_never_take_the_danger_away() -> None:
    """More text may add a reading; outside its sentence it must not take one away."""
    chance = random.Random(11)
    calm = [line for line in _lines(CALM_EN) if level(line) is Level.GREY]
    danger = [line for line in _lines(RED_EN) if " " in line]
    for text in chance.sample(danger, 60):
        assert heard(f"{chance.choice(calm)}. {text}. {chance.choice(calm)}"), text


def test_only_the_first_characters_are_read() -> None:
    assert level("x " * (TEXT_LIMIT // 2) + "he is hitting me") is Level.GREY
    assert level("x " * (TEXT_LIMIT // 2 - 20) + "he is hitting me") is Level.RED


def _work(run: Callable[[], object]) -> int:
    """Count executed lines: a measure of work that a busy machine does not change."""
    count = 0

    def trace(_frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        "he is hitting me and the door is locked. ",
        "I came to work in a hotel and the boss says that I must pay for the room. ",
        "kill ",
        "he ",
        "a b c ",
        "a. ",
        "16 ",
        "helpmehe ",
        "x",
        "ฉันถูกขัง",
        "h\u0301",
        "🆘",
        "he1me2",
    ],
)
def test_work_grows_no_faster_than_the_text(unit: str) -> None:
    short, long = (unit * (size // len(unit)) for size in (1_000, 4_000))
    assess(short, LEXICONS)  # merge the lexicons first
    small, large = (_work(lambda text=text: assess(text, LEXICONS)) for text in (short, long))
    assert large <= 4.5 * small + 2_000
    assert large <= 60_000


@pytest.mark.parametrize("locale", sorted(CONTENT))
def test_compiling_a_file_stays_cheap(locale: str) -> None:
    """Every file is compiled at every start, before the first page."""
    size = (ROOT / "locales" / locale / "triage.yml").stat().st_size
    assert _work(lambda: Lexicon.from_mapping(locale, CONTENT[locale])) <= 10 * size


def test_a_long_text_of_strange_words_stays_cheap() -> None:
    chance = random.Random(3)
    words = ("".join(chance.choices("abcdefghijklmnoprstuvy", k=7)) for _ in range(500))
    text = " ".join(words)
    assess("", LEXICONS)  # merge the lexicons first
    assert _work(lambda: assess(text, LEXICONS)) <= 60_000


def test_answer_holds_no_text() -> None:
    found = assess("he is hitting me, my name is Zxqv", LEXICONS)
    assert "Zxqv" not in repr(found)


# --- The development sets, written by somebody else -----------------------------------------------


@pytest.mark.parametrize("locale", ["en", "da"])
def test_development_set_stays_above_the_bar(locale: str) -> None:
    path = ROOT / "tests" / "nlu" / "dev" / f"{locale}.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [(row, level(row["text"])) for row in rows]
    red = [heard(row["text"]) for row in rows if row["level"] == "RED"]
    orange = [urgency >= Level.ORANGE for row, urgency in found if row["level"] == "ORANGE"]
    false = [urgency is Level.RED for row, urgency in found if row.get("ff")]
    assert sum(red) / len(red) >= 0.98  # heard: the NLU unit confirms, or numbers are shown
    assert sum(orange) / len(orange) >= 0.9
    assert not any(false)
