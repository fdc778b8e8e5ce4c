
#include "support.h"

#include "fhir/cigna_resource_types.h"


static uint8_t      mem[CIGNA_TYPE_LEN_MAX];
static cigna_buf_t  what;


/*
 * Checks a request against a list with Patient and Coverage; everything: 1 if
 * $everything is on the list, too
 */

static int
asked(const char *path, const char *query, int everything)
{
    cigna_resource_types_t  types;
    const cigna_slice_t     names[] = {
        cigna_slice("Patient"), cigna_slice("Coverage"),
        cigna_slice("$everything")
    };

    types.names = names;
    types.count = everything ? 3 : 2;

    cigna_buf_init(&what, mem, sizeof(mem));

    return cigna_resource_types_allow(&types, guarded(path), guarded(query),
                                      &what);
}


#define assert_allowed(path, query)                                           \
    assert_int_equal(asked(path, query, 0), CIGNA_OK)

#define assert_refused(path, query, name)                                     \
    do {                                                                      \
        assert_int_equal(asked(path, query, 0), CIGNA_ERROR);                 \
        assert_slice(cigna_buf_slice(&what), name);                           \
    } while (0)


static void
types_on_the_list_are_allowed(void **state)
{
    (void) state;

    assert_allowed("Patient", "");
    assert_allowed("Patient/", "_id=1");
    assert_allowed("Patient/1", "");
    assert_allowed("Patient/1/_history", "");
    assert_allowed("Patient/1/_history/2", "");
    assert_allowed("Coverage/_search", "patient=Patient/1");
    assert_allowed("Coverage", "beneficiary:Patient.name=Observation");
    assert_allowed("%50atient/1", "");
}


static void
other_types_are_refused_by_name(void **state)
{
    (void) state;

    assert_refused("Observation", "", "Observation");
    assert_refused("Observation/1/_history/2", "", "Observation");
    assert_refused("Observation/_search", "", "Observation");
    assert_refused("%4fbservation", "", "Observation");
    assert_refused("patient", "", "");
    assert_refused("PatientX", "", "PatientX");
    assert_refused("Patient;x=1", "", "");
    assert_refused("Pat\"ient", "", "");
}


static void
a_compartment_returns_the_other_type(void **state)
{
    (void) state;

    assert_allowed("Patient/1/Coverage", "");
    assert_allowed("Patient/1/Coverage/_search", "");
    assert_allowed("Encounter/1/Patient", "");
    assert_refused("Patient/1/Observation", "", "Observation");
    assert_refused("Patient/1/Observation/_search", "", "Observation");
    assert_refused("Patient/1/%4fbservation", "", "Observation");
    assert_refused("Patient/1/*", "", "*");
    assert_refused("Patient/1/Coverage/Observation", "", "");
    assert_refused("Patient/1/Coverage/_search/x", "", "");
    assert_refused("Patient/1/Coverage/_search/x/y", "", "");
}


static void
operations_must_be_on_the_list(void **state)
{
    (void) state;

    assert_refused("Patient/1/$everything", "", "$everything");
    assert_refused("Patient/$everything", "", "$everything");
    assert_refused("Patient/1/$docref", "", "$docref");
    assert_refused("$export", "", "$export");
    assert_refused("Patient/1/%24everything", "", "$everything");
    assert_refused("Patient/1/_history/$meta", "", "");

    assert_int_equal(asked("Patient/1/$everything", "", 1), CIGNA_OK);
    assert_int_equal(asked("Patient/1/$everything?", "", 1), CIGNA_ERROR);
    assert_int_equal(asked("Group/1/$everything", "", 1), CIGNA_ERROR);
    assert_slice(cigna_buf_slice(&what), "Group");

    assert_allowed("Patient/1/$everything", "_type=Patient,Coverage&_count=9");
    assert_refused("Patient/1/$everything", "_type=Patient,Observation",
                   "Observation");
}


static void
a_search_of_all_types_must_tell_its_types(void **state)
{
    (void) state;

    assert_refused("", "", "*");
    assert_refused("", "_lastUpdated=gt2026", "*");
    assert_refused("_search", "", "*");
    assert_refused("_history", "_since=2026", "*");
    assert_refused("", "_type=", "");
    assert_refused("", "_type=Patient,", "");
    assert_refused("", "_type=Patient&_type=Observation", "Observation");
    assert_refused("", "_type=Patient%2CObservation", "Observation");
    assert_refused("", "%5ftype=Patient&_t%79pe=Observation", "Observation");
    assert_refused("_search", "_getpages=1", "*");
    assert_refused("", "_getpages=", "*");

    assert_allowed("", "_type=Patient,Coverage");
    assert_allowed("_search", "_type=Patient");
    assert_allowed("", "_getpages=4711&_getpagesoffset=10&_count=10");
}


static void
included_types_must_be_on_the_list(void **state)
{
    (void) state;

    assert_allowed("Coverage", "_include=Coverage:beneficiary:Patient");
    assert_allowed("Patient", "_revinclude=Coverage:beneficiary");
    assert_allowed("Patient", "_revinclude:iterate=Coverage%3abeneficiary");

    assert_refused("Coverage", "_include=Coverage:payor:Organization",
                   "Organization");
    assert_refused("Coverage", "_include=Coverage:payor", "_include");
    assert_refused("Coverage", "_include=*", "_include");
    assert_refused("Coverage", "_include=", "_include");
    assert_refused("Coverage", "_include:iterate=Coverage:payor:Organization",
                   "Organization");
    assert_refused("Patient", "_revinclude=*", "_revinclude");
    assert_refused("Patient", "_revinclude=Observation:subject",
                   "Observation");
    assert_refused("Patient", "a&&_re%76include=Observation:subject&b",
                   "Observation");
    assert_refused("", "_getpages=1&_include=Coverage:payor:Organization",
                   "Organization");
}


static void
the_parameter_type_has_one_spelling_and_no_modifiers(void **state)
{
    (void) state;

    assert_refused("", "_type:x=Patient", "*");
    assert_refused("", "_type%3Ax=Patient", "*");
    assert_refused("", "_type=Patient&_Type=Observation", "*");
    assert_refused("_history", "_type=Patient&_type:not=Coverage", "*");
    assert_refused("Patient/1/$everything", "_type:missing=Patient",
                   "$everything");
}


static void
sources_of_has_must_be_on_the_list(void **state)
{
    (void) state;

    assert_allowed("Patient", "_has:Coverage:beneficiary:status=active");
    assert_allowed("Patient", "_has:Coverage:payor:_has:Patient:link:_id=1");
    assert_allowed("Patient", "x_has_y=1&has:Observation:patient:code=1");

    assert_refused("Patient", "_has:Observation:patient:code=1",
                   "Observation");
    assert_refused("Patient", "_ha%73%3aObservation:patient:code=1",
                   "Observation");
    assert_refused("Patient",
                   "_has:Coverage:payor:_has:Observation:patient:code=1",
                   "Observation");
    assert_refused("Coverage",
                   "beneficiary:Patient._has:Observation:patient:code=1",
                   "Observation");
    assert_refused("Patient", "_Has:Observation:patient:code=1",
                   "Observation");
    assert_refused("Patient", "_RevInclude=Observation:subject",
                   "Observation");
    assert_refused("Patient", "_INCLUDE=*", "");
    assert_refused("Patient", "_has=1", "_has");
    assert_refused("Patient", "_has:=1", "_has");
    assert_refused("Patient",
                   "a123456789012345678901234567890123456789012345678901234567"
                   "8901234._has:Observation:patient:code=1", "");
}


static void
types_of_chains_count(void **state)
{
    (void) state;

    assert_allowed("Coverage", "beneficiary:Patient.name=x");
    assert_allowed("Coverage", "beneficiary:Patient.link:Patient.name=x");
    assert_allowed("Coverage", "payor:Patient.name:exact=x");
    assert_allowed("Coverage", "beneficiary.name=x&patient.identifier=1.2.3");
    assert_allowed("Coverage", "payor:Organization=1&payor=Organization/1");
    assert_allowed("Patient", "_has:Coverage:payor:beneficiary.name=x");
    assert_allowed("Patient", "_has:Coverage:payor:payor:Patient.name=x");
    assert_allowed("Patient", "name:exact=a.b&address-city:contains=c.d");

    assert_refused("Coverage", "payor:Organization.name=x", "Organization");
    assert_refused("Coverage", "payor%3aOrganization%2ename=x",
                   "Organization");
    assert_refused("Coverage", "payor:Organization.name:exact=x",
                   "Organization");
    assert_refused("Coverage", "payor:organization.name=x", "");
    assert_refused("Coverage", "payor:Patient:Organization.name=x", "");
    assert_refused("Coverage", "payor.name=x", "payor");
    assert_refused("Coverage", "Payor.name=x", "Payor");
    assert_refused("Coverage", "beneficiary.general-practitioner.name=x",
                   "general-practitioner");
    assert_refused("Coverage", "beneficiary.organization.name=x",
                   "Organization");
    assert_refused("Coverage",
                   "beneficiary:Patient.organization:Organization.name=x",
                   "Organization");
    assert_refused("Coverage", ".name=x", "");
    assert_refused("Coverage", "_x:Patient.name=x", "");
    assert_refused("Patient", "_has:Coverage:beneficiary:payor.name=x",
                   "payor");
    assert_refused("Patient",
                   "_has:Coverage:beneficiary:payor:Organization.name=x",
                   "Organization");
    assert_refused("Patient", "_has:Coverage:beneficiary.name=x", "");
    assert_refused("Patient", "_include.x=Coverage:payor:Organization", "");
    assert_refused("Coverage", "_include:Patient._include=*", "");
}


static void
types_of_the_sort_order_must_be_on_the_list(void **state)
{
    (void) state;

    assert_allowed("Patient", "_sort=name,-birthdate");
    assert_allowed("Patient", "_sort:desc=name");
    assert_allowed("Patient", "_sort=name%2c-birthdate:asc,_score");
    assert_allowed("Coverage", "_sort=-beneficiary:Patient.name,patient.name");

    assert_refused("Coverage", "_sort=payor:Organization.name",
                   "Organization");
    assert_refused("Coverage", "_sort=status,-payor%3AOrganization%2Ename",
                   "Organization");
    assert_refused("Coverage", "_sort=-payor.name", "payor");
    assert_refused("Coverage", "_Sort:asc=payor.name", "payor");
    assert_refused("Patient", "_sort=_has:Observation:patient:date",
                   "Observation");
    assert_refused("Patient",
                   "_sort=name,01234567890123456789012345678901234567890123456"
                   "789012345678901234567890", "");
}


static void
a_parameter_cannot_hide_in_another_one(void **state)
{
    (void) state;

    assert_refused("Coverage", "status=a;_include=Coverage:payor:Organization",
                   ";");
    assert_refused("Coverage", "status=a%3B_include=*", ";");
    assert_refused("Coverage", ";_include=*", ";");
    assert_refused("Coverage", "%3b_include=*", ";");
    assert_refused("Coverage", "a;b", ";");
    assert_refused("Coverage", "a%2526_include=*", ";");
    assert_refused("Coverage", "%255finclude=*", ";");
    assert_refused("Coverage", "a%26_include=*", ";");
    assert_refused("Coverage", "+_include=*", ";");
    assert_refused("Coverage", "_include%20=*", ";");
    assert_refused("Coverage", "status=%3", "");

    assert_allowed("Coverage", "status=a%26_include%3D*");
    assert_allowed("Coverage", "identifier=urn:x%7C1+2,3&&_format=json");
}


static void
parameters_that_tell_of_other_types_are_refused(void **state)
{
    (void) state;

    assert_allowed("Patient", "_elements=name,Patient.birthDate");
    assert_allowed("Patient", "_type=Patient&_summary=true&_total=none");

    assert_refused("Patient", "_filter=name%20eq%20x", "_filter");
    assert_refused("Patient", "%5Ffilter:x=1", "_filter");
    assert_refused("Patient", "_FILTER=1", "");
    assert_refused("Coverage", "beneficiary:Patient._filter=1", "_filter");
    assert_refused("Patient", "_has:Coverage:payor:_filter=1", "_filter");
    assert_refused("Patient", "_has:Coverage:payor:_query=1", "_query");
    assert_refused("Patient", "_list=42", "List");
    assert_refused("Patient", "_List=$current-problems", "List");
    assert_refused("Patient", "_in=Group/1", "CareTeam");
    assert_refused("Patient", "_graph=1", "_graph");
    assert_refused("Patient", "_not-referenced=Encounter:subject",
                   "_not-referenced");
    assert_refused("Patient", "%5fnot-referenced=*:*", "_not-referenced");
    assert_refused("Patient", "_with=organization", "_with");
    assert_refused("Patient", "_assoc=organization", "_assoc");
    assert_refused("Patient", "_type=Observation", "Observation");
    assert_refused("Patient", "_TYPE=Patient,Observation", "Observation");
    assert_refused("Patient", "_type:not=Patient", "*");
    assert_refused("Patient/_search", "_type=Observation", "Observation");
    assert_int_equal(asked("Patient/1/$everything", "_type=Goal", 1),
                     CIGNA_OK);
}


static void
parameters_that_may_return_any_type_are_refused(void **state)
{
    (void) state;

    assert_allowed("Patient", "_contained=false");
    assert_allowed("Patient", "_containedType=contained");

    assert_refused("Patient", "_contained=true", "_contained");
    assert_refused("Patient", "_contained=bot%68", "_contained");
    assert_refused("Patient", "_contained=", "_contained");
    assert_refused("Patient", "_query=mine", "_query");
    assert_refused("Patient", "_Contained=true", "");
    assert_refused("Patient", "_QUERY=mine", "");
    assert_refused("Patient",
                   "_revinclude=Coverage:beneficiary,Observation:subject",
                   "_revinclude");
}


static void
requests_without_member_data_are_allowed(void **state)
{
    (void) state;

    assert_allowed("metadata", "");
    assert_allowed("metadata", "mode=full&_format=json");
    assert_allowed(".well-known/smart-configuration", "");
    assert_allowed("$userinfo", "");
    assert_allowed("%24userinfo", "");

    assert_refused("metadata/1", "", "");
    assert_refused("$userinfo/1", "", "");
    assert_refused(".well-known", "", "");
    assert_refused(".well-known/a/b", "", "");
}


static void
paths_that_can_be_read_in_two_ways_are_refused(void **state)
{
    (void) state;

    assert_refused("Patient/../Observation", "", "");
    assert_refused("Patient/%2e%2e/Observation", "", "");
    assert_refused("Patient/./1", "", "");
    assert_refused("Patient/1%2f..%2f..%2fObservation", "", "");
    assert_refused("Patient%5c..%5cObservation", "", "");
    assert_refused("Patient//Observation", "", "");
    assert_refused("Patient/..;", "_type=Patient", "");
    assert_refused("Patient/..;x=1/", "", "");
    assert_refused("Patient/%2e.%3bx", "", "");
    assert_refused("Patient/.;/1", "", "");
    assert_refused("Patient/;x=1/Observation", "", "");
    assert_refused(".well-known/..;", "_type=Patient", "");
    assert_refused("Patient/%252e%252e", "", "");
    assert_refused("Patient/1%3f_revinclude=Observation:subject", "", "");
    assert_refused("Patient/#/Coverage", "", "");
    assert_refused("Patient/1%252f..", "", "");
    assert_refused("/Patient", "", "");
    assert_refused("Patient/%", "", "");
    assert_refused("Patient/%4", "", "");
    assert_refused("Patient/%00", "", "");
    assert_refused("Patient/1\r\n", "", "");
    assert_refused("Patient", "%zz=1", "");
    assert_refused("Patient/0123456789012345678901234567890123456789012345678"
                   "901234567890123456789%2fx", "", "");
}


static void
names_on_the_list_have_a_form(void **state)
{
    (void) state;

    assert_true(cigna_resource_types_name(guarded("Patient")));
    assert_true(cigna_resource_types_name(guarded("$everything")));
    assert_true(cigna_resource_types_name(guarded("$member-match")));

    assert_false(cigna_resource_types_name(guarded("")));
    assert_false(cigna_resource_types_name(guarded("$")));
    assert_false(cigna_resource_types_name(guarded("P")));
    assert_false(cigna_resource_types_name(guarded("patient")));
    assert_false(cigna_resource_types_name(guarded("Patient*")));
    assert_false(cigna_resource_types_name(guarded("Member-match")));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(types_on_the_list_are_allowed),
        cmocka_unit_test(other_types_are_refused_by_name),
        cmocka_unit_test(a_compartment_returns_the_other_type),
        cmocka_unit_test(operations_must_be_on_the_list),
        cmocka_unit_test(a_search_of_all_types_must_tell_its_types),
        cmocka_unit_test(included_types_must_be_on_the_list),
        cmocka_unit_test(the_parameter_type_has_one_spelling_and_no_modifiers),
        cmocka_unit_test(sources_of_has_must_be_on_the_list),
        cmocka_unit_test(types_of_chains_count),
        cmocka_unit_test(types_of_the_sort_order_must_be_on_the_list),
        cmocka_unit_test(a_parameter_cannot_hide_in_another_one),
        cmocka_unit_test(parameters_that_tell_of_other_types_are_refused),
        cmocka_unit_test(parameters_that_may_return_any_type_are_refused),
        cmocka_unit_test(requests_without_member_data_are_allowed),
        cmocka_unit_test(paths_that_can_be_read_in_two_ways_are_refused),
        cmocka_unit_test(names_on_the_list_have_a_form)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
