package simulation
import ("testing";"github.com/dynsvc/dynsvc/scheduler")
func TestIt(t *testing.T) {
	tr,_:=Azure("/work/shared/data/traces/azure-2019-200")
	rules:=scheduler.DefaultRules(); rules.UsualMemory=0
	debug=func(p float64,im int64){ t.Log(p,im) }
	for _,b:=range []int64{98208,65000,130000,75757,84000} { t.Log("budget",b); if _,err:=Within(tr,Dynsvc(Alone(),rules),Options{},b);err!=nil {t.Log(err)} }
}
